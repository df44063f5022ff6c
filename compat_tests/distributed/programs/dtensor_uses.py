"""DTensors as programs use them: files, copies, hooks, initialisation, optimisers, autocast."""

import copy
import io
import warnings

import torch
import torch.distributed as dist
from _cases import show
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.utils.checkpoint import checkpoint

warnings.simplefilter("ignore")
dist.init_process_group("gloo")
mesh = init_device_mesh("cpu", (2,))
R = Replicate()
torch.manual_seed(0)
X = torch.randn(4, 6)


def D(placement, grad=False):
    return distribute_tensor(X.clone(), mesh, [placement]).requires_grad_(grad)


def layer():
    torch.manual_seed(1)
    return parallelize_module(nn.Linear(6, 8), mesh, ColwiseParallel())


def network():
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 6))
    return parallelize_module(module, mesh, {"0": ColwiseParallel(), "2": RowwiseParallel()})


def saved(**options):
    file = io.BytesIO()
    torch.save({"a": D(Shard(0))}, file)
    file.seek(0)
    loaded = torch.load(file, **options)["a"]
    return [type(loaded).__name__, str(loaded.placements), loaded.full_tensor()]


def rematerialised(reentrant):
    module, x = network(), X.clone().requires_grad_()
    checkpoint(module, x, use_reentrant=reentrant).pow(2).sum().backward()
    return [x.grad, module[0].weight.grad.full_tensor()]


def hooked():
    tensor, seen = D(Shard(0), True), []
    tensor.register_hook(lambda g: (seen.append(type(g).__name__), g * 2)[1])
    tensor.register_post_accumulate_grad_hook(lambda t: seen.append(t is tensor))
    (tensor * tensor).sum().backward()
    return [seen, tensor.grad.full_tensor()]


def by_grad():
    first, second = D(Shard(0), True), distribute_tensor(torch.ones(6, 3), mesh, [R])
    second.requires_grad_()
    found = torch.autograd.grad((first @ second).sum(), [first, second])
    return [[type(each).__name__, each.full_tensor()] for each in found]


def second_order():
    tensor = D(Shard(0), True)
    (gradient,) = torch.autograd.grad((tensor**3).sum(), [tensor], create_graph=True)
    gradient.sum().backward()
    return tensor.grad.full_tensor()


def accumulated():
    tensor = D(Shard(0), True)
    tensor.sum().backward()
    tensor.sum().backward()
    twice = tensor.grad.full_tensor()[0, 0].item()
    tensor.grad = None
    tensor.sum().backward()
    return [twice, tensor.grad.full_tensor()[0, 0].item(), tensor.grad is tensor.grad]


def doubled():
    module = layer().double()
    kind = isinstance(module.weight, nn.Parameter)
    return [str(module.weight.dtype), type(module.weight).__name__, kind, module(X.double())]


def copied():
    module = layer()
    other = copy.deepcopy(module)
    weight = other.weight
    return [
        type(weight).__name__, isinstance(weight, nn.Parameter), str(weight.placements),
        weight.requires_grad, torch.equal(weight, module.weight), weight is module.weight,
    ]  # fmt: skip


def initialised():
    module = layer()
    torch.manual_seed(3)
    nn.init.xavier_uniform_(module.weight)
    nn.init.zeros_(module.bias)
    first = module.weight.to_local().clone()
    nn.init.trunc_normal_(module.weight)
    return [first, module.bias.full_tensor()]


def cast():
    module = network()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = module(X)
    result.float().sum().backward()
    return [str(result.dtype), str(module[0].weight.grad.dtype)]


def without_elements():
    with torch.device("meta"):
        module = nn.Linear(6, 8)
    parallelize_module(module, mesh, ColwiseParallel())
    return [str(module.weight.device), list(module.weight.to_local().shape)]


def stepped():
    module = layer()
    optimiser = torch.optim.Adam(module.parameters())
    module(X).sum().backward()
    optimiser.step()
    optimiser.load_state_dict(optimiser.state_dict())
    state = optimiser.state[module.weight]["exp_avg"]
    return [type(state).__name__, str(state.placements), module.weight.full_tensor()]


def scaled():
    module, scaler = layer(), torch.amp.GradScaler("cpu")
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    scaler.scale(module(X).sum()).backward()
    scaler.unscale_(optimiser)
    scaler.step(optimiser)
    scaler.update()
    return [module.weight.full_tensor(), scaler.get_scale()]


def set_gradient():
    tensor = D(R, True)
    tensor.grad = D(R)
    return [str(tensor.grad.placements), tensor.grad.full_tensor()]


def losses():
    logits, sure = D(Shard(0), True), (D(Shard(0)) > 0).float()
    labels = distribute_tensor(torch.arange(4), mesh, [Shard(0)])
    functions = nn.functional
    loss = functions.binary_cross_entropy_with_logits(logits, sure)
    smooth = functions.cross_entropy(logits, labels, label_smoothing=0.1)
    (loss + smooth).full_tensor().backward()
    return [loss.full_tensor(), smooth.full_tensor(), logits.grad.full_tensor()]


def averaged():
    module = network()
    mean = torch.optim.swa_utils.AveragedModel(module)
    optimiser = torch.optim.RMSprop(module.parameters())
    for _ in range(3):
        optimiser.zero_grad()
        module(X).pow(2).sum().backward()
        optimiser.step()
        mean.update_parameters(module)
    return [parameter.full_tensor() for parameter in mean.module.parameters()]


def second_order_steps():
    module = parallelize_module(nn.Linear(6, 8), mesh, ColwiseParallel(output_layouts=R))
    optimiser = torch.optim.LBFGS(module.parameters(), max_iter=5)

    def closure():
        optimiser.zero_grad()
        loss = (module(X) - 1).pow(2).sum()
        loss.backward()
        return loss

    before = closure().item()
    optimiser.step(closure)
    return closure().item() < 0.1 * before


for name, case in {
    "losses": losses,
    "averaged": averaged,
    "lbfgs": second_order_steps,
    "saved": lambda: saved(weights_only=False),
    "saved, weights only": saved,
    "checkpoint": lambda: rematerialised(False),
    "reentrant checkpoint": lambda: rematerialised(True),
    "hooks": hooked,
    "autograd.grad": by_grad,
    "second order": second_order,
    "accumulated": accumulated,
    "double": doubled,
    "deepcopy": copied,
    "init": initialised,
    "autocast": cast,
    "meta": without_elements,
    "optimiser": stepped,
    "GradScaler": scaled,
    "grad set": set_gradient,
    "foreach": lambda: torch._foreach_mul([D(Shard(0)), D(R)], 2.0)[0].full_tensor(),
    "rotated": lambda: torch.cat([-D(Shard(0))[..., 3:], D(Shard(0))[..., :3]], -1).full_tensor(),
    "parameters_to_vector": lambda: nn.utils.parameters_to_vector([D(Shard(0))]).full_tensor(),
}.items():
    show(name, case)
