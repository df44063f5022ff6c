"""Distributed checkpoints: one process, PyTorch's files both ways, files that mean harm."""

from __future__ import annotations

import functools
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
import warnings

import pytest

import jtorch as torch
import jtorch.distributed.checkpoint as dcp
from compat_tests.helpers.paths import ROOT
from jtorch.distributed.checkpoint import state_dict as dsd
from jtorch.distributed.checkpoint._metadata_file import read_metadata
from jtorch.distributed.checkpoint.format_utils import dcp_to_torch_save, torch_save_to_dcp
from jtorch.distributed.checkpoint.metadata import (
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)
from jtorch.distributed.checkpoint.planner_helpers import create_read_items_for_chunk_list
from jtorch.distributed.checkpoint.state_dict_loader import _load_state_dict_from_keys

#: Written by PyTorch 2.13 with two processes: ``rows`` cut by rows, ``columns`` by columns.
TWO_PROCESSES = ROOT / "compat_tests" / "golden" / "distributed" / "checkpoint_two_processes"

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is:UserWarning")


def nested():
    return {
        "model": {
            "weight": torch.arange(6.0).reshape(2, 3),
            "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
            "list": [torch.ones(1), {"k": 3}],
        },
        "step": 7,
        "names": ["a", "b"],
    }


def blank():
    return {
        "model": {
            "weight": torch.zeros(2, 3),
            "half": torch.zeros(2, dtype=torch.bfloat16),
            "list": [torch.zeros(1), {"k": 0}],
        },
        "step": 0,
        "names": [],
    }


def shown(state):
    return repr(state).replace("\n", "")


def test_what_is_saved_is_loaded(tmp_path):
    metadata = dcp.save(nested(), checkpoint_id=tmp_path / "c")
    assert metadata.planner_data["model.list.1.k"] == ("model", "list", 1, "k")
    assert sorted(os.listdir(tmp_path / "c")) == [".metadata", "__0_0.distcp"]
    state = blank()
    weight = state["model"]["weight"]
    dcp.load(state, checkpoint_id=str(tmp_path / "c"))
    assert shown(state) == shown(nested())
    assert weight is state["model"]["weight"] and weight.sum().item() == 15.0


def test_one_process_is_said(tmp_path):
    with pytest.warns(UserWarning, match="assuming the intent is to save in a single process"):
        dcp.save({"a": 1}, checkpoint_id=tmp_path / "c")
    with pytest.warns(UserWarning, match="assuming the intent is to load in a single process"):
        dcp.load({"a": 0}, checkpoint_id=tmp_path / "c")


class Counter:
    def __init__(self, count):
        self.count = count

    def state_dict(self):
        return {"count": torch.tensor(self.count)}

    def load_state_dict(self, state):
        self.count = int(state["count"])


def test_stateful_objects_give_and_take_their_state(tmp_path):
    dcp.save({"counter": Counter(5)}, checkpoint_id=tmp_path)
    counter = Counter(0)
    dcp.load({"counter": counter}, checkpoint_id=tmp_path)
    assert counter.count == 5


@pytest.mark.parametrize("options", [{"single_file_per_rank": False}, {"thread_count": 3}])
def test_writers_of_several_files(tmp_path, options):
    writer = dcp.FileSystemWriter(tmp_path, sync_files=False, **options)
    dcp.save(nested(), storage_writer=writer)
    assert len(list(tmp_path.glob("*.distcp"))) == (options.get("thread_count") or 6)
    state = blank()
    dcp.load(state, storage_reader=dcp.FileSystemReader(tmp_path))
    assert shown(state) == shown(nested())


def test_overwriting(tmp_path):
    dcp.save({"a": 1}, checkpoint_id=tmp_path)
    with pytest.warns(UserWarning, match="Detected an existing checkpoint"):
        dcp.save({"a": 2}, checkpoint_id=tmp_path)
    writer = dcp.FileSystemWriter(tmp_path, overwrite=False)
    with pytest.raises(dcp.CheckpointException, match=r"Checkpoint already exists and self\.overw"):
        dcp.save({"a": 3}, storage_writer=writer)


def test_async_save_takes_the_values_at_the_call(tmp_path):
    value = torch.arange(4.0)
    future = dcp.async_save({"v": value}, checkpoint_id=tmp_path)
    value.zero_()
    assert isinstance(future.result(), Metadata)
    state = {"v": torch.zeros(4)}
    dcp.load(state, checkpoint_id=tmp_path)
    assert state["v"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_the_stager_of_a_writer_copies_into_what_it_has(tmp_path):
    writer = dcp.FileSystemWriter(tmp_path, cache_staged_state_dict=True)
    first = writer.stage({"v": torch.ones(2)})
    assert writer.stage({"v": torch.zeros(2)})["v"] is first["v"]
    assert first["v"].tolist() == [0.0, 0.0]


def test_staging_in_the_background(tmp_path):
    from jtorch.distributed.checkpoint.staging import DefaultStager

    stager = DefaultStager()
    response = dcp.async_save({"v": torch.ones(2)}, checkpoint_id=tmp_path, async_stager=stager)
    assert response.staging_completion.result() is None
    assert "v" in response.upload_completion.result().state_dict_metadata
    stager.close()


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"b": torch.zeros(1)}, "RuntimeError: Missing key in checkpoint state_dict: b."),
        (
            {"a": torch.zeros(3)},
            "ValueError: Size mismatch between saved torch.Size([2]) and current: "
            "torch.Size([3]) for a",
        ),
        (
            {"a": 1},
            "ValueError: Invalid checkpoint metadata for a, expected BytesStorageMetadata but "
            "found <class",
        ),
    ],
)
def test_what_does_not_fit(tmp_path, wanted, error):
    dcp.save({"a": torch.ones(2)}, checkpoint_id=tmp_path)
    with pytest.raises(dcp.CheckpointException) as caught:
        dcp.load(wanted, checkpoint_id=tmp_path)
    assert error in str(caught.value)
    assert list(caught.value.failures) == [0]


def test_partial_loading(tmp_path):
    dcp.save({"a": torch.ones(2)}, checkpoint_id=tmp_path)
    state = {"a": torch.zeros(2), "b": torch.zeros(1)}
    dcp.load(state, checkpoint_id=tmp_path, planner=dcp.DefaultLoadPlanner(allow_partial_load=True))
    assert state["a"].tolist() == [1.0, 1.0] and state["b"].tolist() == [0.0]


def test_places_that_are_none(tmp_path):
    with pytest.raises(RuntimeError, match="`checkpoint_id` must be specified if storage_reader"):
        dcp.save({"a": 1})
    with pytest.raises(RuntimeError, match="Cannot detect which StorageReader or StorageWriter"):
        dcp.save({"a": 1}, checkpoint_id="s3://bucket/c")
    with pytest.raises(dcp.CheckpointException, match="metadata is None; global metadata read fa"):
        dcp.load({"a": 1}, checkpoint_id=tmp_path)


def test_meta_tensors_are_made(tmp_path):
    dcp.save({"a": torch.ones(2)}, checkpoint_id=tmp_path)
    state = {"a": torch.empty(2, device="meta")}
    dcp.load(state, checkpoint_id=tmp_path)
    assert state["a"].tolist() == [1.0, 1.0]


def test_a_file_for_each_rank_needs_no_collective(tmp_path):
    dcp.save({"a": torch.ones(2)}, checkpoint_id=tmp_path, use_collectives=False)
    assert sorted(os.listdir(tmp_path)) == ["__0.metadata", "__0_0.distcp"]
    state = {"a": torch.zeros(2)}
    dcp.load(state, checkpoint_id=tmp_path)
    assert state["a"].tolist() == [1.0, 1.0]


def test_a_planner_of_a_user(tmp_path):
    class Renaming(dcp.DefaultSavePlanner):
        def set_up_planner(self, state_dict, storage_meta=None, is_coordinator=False):
            renamed = {f"new_{key}": value for key, value in state_dict.items()}
            super().set_up_planner(renamed, storage_meta, is_coordinator)

    dcp.save({"a": torch.ones(2)}, checkpoint_id=tmp_path, planner=Renaming())
    assert list(_load_state_dict_from_keys(checkpoint_id=tmp_path)) == ["new_a"]


def test_keys_and_paths_above_them(tmp_path):
    dcp.save(nested(), checkpoint_id=tmp_path)
    found = _load_state_dict_from_keys({"model.list", "step"}, checkpoint_id=tmp_path)
    assert shown(found) == "{'model': {'list': [tensor([1.]), {'k': 3}]}, 'step': 7}"


def test_plans_are_cached(tmp_path):
    for value in (1.0, 2.0):
        planner = dcp.DefaultSavePlanner(enable_plan_caching=True)
        planner._cached_plans_key = "test_plans_are_cached"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dcp.save({"a": torch.full((2,), value)}, checkpoint_id=tmp_path, planner=planner)
        state = {"a": torch.zeros(2)}
        dcp.load(state, checkpoint_id=tmp_path)
        assert state["a"].tolist() == [value, value]


def test_files_of_torch_save_both_ways(tmp_path):
    torch.save({"m": {"w": torch.arange(3)}, "n": 2}, tmp_path / "a.pt")
    torch_save_to_dcp(tmp_path / "a.pt", tmp_path / "c")
    dcp_to_torch_save(tmp_path / "c", tmp_path / "b.pt")
    assert shown(torch.load(tmp_path / "b.pt")) == "{'m': {'w': tensor([0, 1, 2])}, 'n': 2}"


# What PyTorch wrote with two processes.


def test_boxes_of_other_processes_are_put_together():
    state = {
        "model": {
            "rows": torch.zeros(5, 3),
            "columns": torch.zeros(5, 3),
            "whole": torch.zeros(4, dtype=torch.int64),
            "plain": torch.zeros(2, dtype=torch.float64),
        },
        "step": 0,
        "groups": [{"lr": 0.0, "params": []}],
    }
    dcp.load(state, checkpoint_id=TWO_PROCESSES)
    expected = torch.arange(15.0).reshape(5, 3)
    assert state["model"]["rows"].tolist() == expected.tolist()
    assert state["model"]["columns"].tolist() == (2 * expected).tolist()
    assert state["model"]["whole"].tolist() == [0, 1, 2, 3]
    assert state["model"]["plain"].tolist() == [1.5, -2.5]
    assert state["step"] == 11 and state["groups"] == [{"lr": 0.1, "params": ["rows"]}]


def test_the_metadata_of_two_processes():
    with open(TWO_PROCESSES / ".metadata", "rb") as file:
        metadata = read_metadata(file)
    rows = metadata.state_dict_metadata["model.rows"]
    assert [(*chunk.offsets, *chunk.sizes) for chunk in rows.chunks] == [(0, 0, 3, 3), (3, 0, 2, 3)]
    columns = metadata.state_dict_metadata["model.columns"]
    assert [(*chunk.offsets, *chunk.sizes) for chunk in columns.chunks] == [
        (0, 0, 5, 2),
        (0, 2, 5, 1),
    ]
    index = MetadataIndex("model.rows", [3, 0], 1)
    assert metadata.storage_data[index].relative_path == "__1_0.distcp"


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 7])
def test_any_cut_is_read_from_any_other(parts):
    stored = [
        ChunkStorageMetadata(torch.Size([start, 0]), torch.Size([length, 4]))
        for start, length in ((0, 3), (3, 3), (6, 1))
    ]
    entry = TensorStorageMetadata(TensorProperties(), torch.Size([7, 4]), stored)
    piece = -(-7 // parts)
    covered = []
    for part in range(parts):
        start = min(part * piece, 7)
        box = ChunkStorageMetadata(torch.Size([start, 0]), torch.Size([min(piece, 7 - start), 4]))
        for item in create_read_items_for_chunk_list("x", entry, [box]):
            here = start + item.dest_offsets[0]
            there = item.storage_index.offset[0] + item.storage_offsets[0]
            assert here == there and item.lengths[1] == 4
            covered += range(here, here + item.lengths[0])
    assert sorted(covered) == list(range(7))


# Files that mean harm.


class Harm:
    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "harm",
    [
        Harm(os.system, "touch {marker}"),
        Harm(eval, "open({marker!r}, 'w')"),
        Harm(functools.partial, print),
        Harm(getattr, "", "upper"),
    ],
    ids=["system", "eval", "partial", "getattr"],
)
def test_no_code_of_the_metadata_runs(tmp_path, harm, protocol):
    marker = tmp_path / "marker"
    args = [each.format(marker=str(marker)) if type(each) is str else each for each in harm.args]
    for holder in (
        Harm(harm.function, *args),
        {"planner_data": [Harm(harm.function, *args)]},
        (MetadataIndex, Harm(harm.function, *args)),
    ):
        with open(tmp_path / ".metadata", "wb") as file:
            pickle.dump(holder, file, protocol)
        with open(tmp_path / ".metadata", "rb") as file, pytest.raises(pickle.UnpicklingError):
            read_metadata(file)
    assert not marker.exists()


@pytest.mark.parametrize(
    "state",
    [
        {"fqn": ("a", "b"), "offset": None},
        {"fqn": "a", "offset": (1, 2)},
        {"fqn": "a", "harm": 1},
        ("fqn", "a"),
    ],
)
def test_an_invalid_state_is_refused(tmp_path, state):
    text = pickle.dumps(state, 2)[2:-1]
    name = b"ctorch.distributed.checkpoint.metadata\nMetadataIndex\n"
    with open(tmp_path / ".metadata", "wb") as file:
        file.write(b"\x80\x04" + name + b")\x81" + text + b"b.")
    with (
        open(tmp_path / ".metadata", "rb") as file,
        pytest.raises(pickle.UnpicklingError, match="an invalid state of a MetadataIndex"),
    ):
        read_metadata(file)


def test_damaged_metadata_never_gives_another_class(tmp_path):
    with open(TWO_PROCESSES / ".metadata", "rb") as file:
        data = file.read()
    for place in range(0, len(data), 37):
        (tmp_path / "m").write_bytes(data[:place])
        with open(tmp_path / "m", "rb") as file, pytest.raises(Exception) as caught:
            read_metadata(file)
        assert not isinstance(caught.value, (MemoryError, RecursionError))


class Unknown:
    pass


def test_an_object_of_an_unknown_class_is_refused_unless_allowed(tmp_path, monkeypatch):
    dcp.save({"thing": Unknown()}, checkpoint_id=tmp_path)
    with pytest.raises(dcp.CheckpointException, match="thing: the checkpoint holds an object of a"):
        dcp.load({"thing": None}, checkpoint_id=tmp_path)
    state = {"thing": None}
    with torch.serialization.safe_globals([Unknown]):
        dcp.load(state, checkpoint_id=tmp_path)
    assert isinstance(state["thing"], Unknown)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    state = {"thing": None}
    dcp.load(state, checkpoint_id=tmp_path)
    assert isinstance(state["thing"], Unknown)


# State dicts by names.


def model_and_optimizer(seed=0):
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    return model, optimizer


def trained():
    model, optimizer = model_and_optimizer()
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.arange(6.0).reshape(2, 3)).square().sum().backward()
        optimizer.step()
    return model, optimizer


def test_optimizer_state_by_names():
    model, optimizer = trained()
    model_state, state = dsd.get_state_dict(model, optimizer)
    assert list(model_state) == list(model.state_dict())
    assert list(state["state"]) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert state["param_groups"][0]["params"] == list(state["state"])
    assert state["state"]["0.weight"]["step"].item() == 2.0
    other, its_optimizer = model_and_optimizer(1)
    dsd.set_state_dict(other, its_optimizer, model_state_dict=model_state, optim_state_dict=state)
    assert shown(other.state_dict()) == shown(model.state_dict())
    assert shown(its_optimizer.state_dict()) == shown(optimizer.state_dict())


def test_a_fresh_optimizer_makes_its_state_and_moves_nothing():
    model, optimizer = model_and_optimizer()
    before = shown(model.state_dict())
    state = dsd.get_optimizer_state_dict(model, optimizer)
    assert state["state"]["0.bias"]["exp_avg"].tolist() == [0.0, 0.0]
    assert shown(model.state_dict()) == before
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert all(parameter.grad is None for parameter in model.parameters())


def test_flat_optimizer_state():
    model, optimizer = trained()
    options = dsd.StateDictOptions(flatten_optimizer_state_dict=True)
    optimizer.param_groups[0].pop("betas")
    optimizer.param_groups[0]["betas"] = 0.5
    state = dsd.get_optimizer_state_dict(model, optimizer, options=options)
    assert state["state.0.weight.step"].item() == 2.0
    assert state["param_groups.1.bias.lr"] == 0.1
    other, its_optimizer = model_and_optimizer(1)
    its_optimizer.param_groups[0]["betas"] = 0.0
    its_optimizer.param_groups[0]["lr"] = 0.0
    its_optimizer.state.update(
        {p: {"step": torch.tensor(0.0), "exp_avg": p.detach() * 0, "exp_avg_sq": p.detach() * 0}
         for p in other.parameters()}
    )  # fmt: skip
    dsd.set_optimizer_state_dict(other, its_optimizer, state, options=options)
    assert shown(its_optimizer.state_dict()["state"]) == shown(optimizer.state_dict()["state"])


def test_names_lack_what_wrappers_add():
    model, _ = trained()
    compiled = torch.nn.Sequential(torch.compile(model))
    state = dsd.get_model_state_dict(compiled)
    assert next(iter(state)) == "0.0.weight"
    result = dsd.set_model_state_dict(compiled, state)
    assert (result.missing_keys, result.unexpected_keys) == ([], [])


def test_options_of_model_state_dicts():
    model, optimizer = trained()
    model[0].weight.requires_grad_(False)
    options = dsd.StateDictOptions(ignore_frozen_params=True)
    assert "0.weight" not in dsd.get_model_state_dict(model, options=options)
    with pytest.raises(ValueError, match="full_state_dict must be True when broadcast_from_rank0"):
        dsd.get_model_state_dict(model, options=dsd.StateDictOptions(broadcast_from_rank0=True))
    options = dsd.StateDictOptions(full_state_dict=True, cpu_offload=True)
    assert list(dsd.get_model_state_dict(model, options=options)) == list(model.state_dict())
    with pytest.raises(RuntimeError, match="Missing optimizer state for parameter"):
        state = dsd.get_optimizer_state_dict(model, optimizer)
        del state["state"]["0.bias"]
        dsd.set_optimizer_state_dict(model, optimizer, state)


def test_training_state_goes_through_a_checkpoint(tmp_path):
    class Training:
        def __init__(self, model, optimizer):
            self.model, self.optimizer = model, optimizer

        def state_dict(self):
            model_state, state = dsd.get_state_dict(self.model, self.optimizer)
            return {"model": model_state, "optimizer": state}

        def load_state_dict(self, state):
            dsd.set_state_dict(
                self.model,
                self.optimizer,
                model_state_dict=state["model"],
                optim_state_dict=state["optimizer"],
            )

    model, optimizer = trained()
    dcp.save({"training": Training(model, optimizer)}, checkpoint_id=tmp_path)
    other, its_optimizer = model_and_optimizer(3)
    dcp.load({"training": Training(other, its_optimizer)}, checkpoint_id=tmp_path)
    assert shown(other.state_dict()) == shown(model.state_dict())
    assert shown(its_optimizer.state_dict()) == shown(optimizer.state_dict())


# The installed PyTorch reads what jtorch writes, and the reverse.

BOTH = """
    import sys, warnings
    import {torch} as torch
    import {torch}.distributed.checkpoint as dcp
    from {torch}.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
    warnings.simplefilter("ignore")
    torch.manual_seed(int(sys.argv[3]))
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.LayerNorm(3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    way, place = sys.argv[1:3]
    if way == "save":
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.arange(8.).reshape(2, 4)).square().sum().backward()
            optimizer.step()
    model_state, state = get_state_dict(model, optimizer)
    rest = {{"epoch": 4, "list": [torch.arange(2), {{"k": torch.tensor(True)}}], "none": None,
        "size": torch.Size([1, 2]), "dtype": torch.float16, "half": torch.ones(2).bfloat16(),
        "empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5), "text": "text"}}
    if way == "save":
        dcp.save({{"model": model_state, "optimizer": state, **rest}}, checkpoint_id=place)
    else:
        blank = {{"list": [torch.zeros(2, dtype=torch.int64), {{"k": torch.tensor(False)}}]}}
        rest = {{key: torch.zeros_like(v) if isinstance(v, torch.Tensor) else blank.get(key, 0)
            for key, v in rest.items()}}
        everything = {{"model": model_state, "optimizer": state, **rest}}
        dcp.load(everything, checkpoint_id=place)
        set_state_dict(model, optimizer, model_state_dict=everything.pop("model"),
            optim_state_dict=everything.pop("optimizer"))
        rest = everything
    torch.set_printoptions(precision=3)
    for value in (model.state_dict(), optimizer.state_dict(), sorted(rest.items())):
        print(value)
"""


def run(library, *args):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BOTH.format(torch=library)), *args],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.oracle
@pytest.mark.parametrize(("writer", "reader"), [("torch", "jtorch"), ("jtorch", "torch")])
def test_checkpoints_go_both_ways(tmp_path, writer, reader):
    written = run(writer, "save", str(tmp_path / "c"), "0")
    assert run(reader, "load", str(tmp_path / "c"), "1") == written
    shutil.rmtree(tmp_path / "c")


@pytest.mark.oracle
def test_any_object_is_loaded_without_being_allowed(tmp_path):
    dcp.save({"thing": Unknown()}, checkpoint_id=tmp_path)
    dcp.load({"thing": None}, checkpoint_id=tmp_path)
