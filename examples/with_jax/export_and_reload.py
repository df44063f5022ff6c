"""Export a module as StableHLO and run it in a process that knows nothing of jtorch.

The program takes every batch, since the first size is symbolic. ``torch.export`` keeps the
parameters beside it, so that what was loaded can be trained on. Both need the package flatbuffers.

    python examples/with_jax/export_and_reload.py
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import jtorch as torch
from jtorch import interop, nn

ELSEWHERE = """
import sys
import jax
import numpy as np

program = jax.export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
print("  takes", program.in_avals[0].str_short())
for batch in (1, 5):
    sums = program.call(np.ones((batch, 10, 6), np.float32)).sum(1)
    print(f"  batch of {batch}: {sums.shape}, rows sum to {sums.mean():.2f}")
print("  jtorch is imported:", "jtorch" in sys.modules)
"""


class Classifier(nn.Module):
    """A GRU over steps of six numbers, attention over what it says, and probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(6, 16, batch_first=True)
        self.weigh = nn.Linear(16, 1)
        self.out = nn.Linear(16, 4)

    def forward(self, steps: torch.Tensor) -> torch.Tensor:
        """Return probabilities of four classes for each row."""
        states, _ = self.gru(steps)
        weights = self.weigh(states).softmax(1)
        return self.out((weights * states).sum(1)).softmax(1)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the files go; a temporary one if unset")
    options = parser.parse_args()
    torch.manual_seed(0)
    model = Classifier().eval()
    example = torch.randn(3, 10, 6)

    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)

        program = interop.export(model, (example,), shapes=("batch, 10, 6",))
        (folder / "classifier.stablehlo").write_bytes(program.serialize())
        print("In another process:", flush=True)
        subprocess.run(
            [sys.executable, "-c", ELSEWHERE, str(folder / "classifier.stablehlo")], check=True
        )
        difference = np.abs(program.call(example.numpy()) - model(example).detach().numpy()).max()
        print("Same as the module:", bool(difference < 1e-6))

        batch = torch.export.Dim("batch")
        exported = torch.export.export(model, (example,), dynamic_shapes={"steps": {0: batch}})
        torch.export.save(exported, folder / "classifier.pt2")
        loaded = torch.export.load(folder / "classifier.pt2").module()

    # The loaded program is trained on: to call everything the third class.
    optimizer = torch.optim.Adam(loaded.parameters(), lr=0.02)
    steps = torch.randn(32, 10, 6)
    before = loaded(steps)[:, 2].mean().item()
    for _ in range(30):
        loss = -loaded(steps)[:, 2].log().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"Probability of the third class: {before:.1f}, {loaded(steps)[:, 2].mean().item():.1f}")


if __name__ == "__main__":
    main()
