"""Statements on a tensor of a subclass, and on an object that is none, whose dispatch is noted.

``logs(torch)`` runs them under either library; PyTorch's answers are recorded in
``compat_tests/golden/dispatch_logs.json`` by ``python -m tools.record_goldens dispatch``.
"""

from __future__ import annotations

import warnings
from typing import Any

STATEMENTS = (
    *("s+1", "1+s", "s+x", "x+s", "s-x", "x-s", "1-s", "s*x", "x*s", "s/x", "x/s", "s//x"),
    *("x//s", "1//s", "s%x", "1%s", "s**x", "x**s", "2**s", "s@x", "x@s", "-s", "~s.bool()"),
    *("abs(s)", "s<x", "x<s", "s==x", "x==s", "s!=x", "s&s", "s.long()&x.long()", "s[0]"),
    *("s[0]=1.0", "x[0]=s[0]", "x[s.long()]", "len(s)", "bool(s[0,0])", "float(s[0,0])"),
    *("int(s[0,0])", "repr(s)", "str(s)", "format(s[0,0],'.2f')", "1.0 in s", "hash(s)"),
    *("s.shape", "s.dtype", "s.grad", "s.T", "s.data", "s.requires_grad", "s.is_leaf"),
    *("s.device", "s.ndim", "s.size()", "s.size(0)", "s.dim()", "s.numel()", "s.stride()"),
    *("s.is_contiguous()", "s.sum()", "s.sum(0)", "s.mean()", "s.add(1)", "s.add_(1)"),
    *("x.add_(s)", "s.add(x,alpha=2)", "x.add(s)", "torch.add(x,s)", "torch.add(s,x)"),
    *("torch.add(x,x,out=s)", "torch.add(s,x,out=torch.empty(2,2))", "torch.cat([x,s])"),
    *("torch.stack([s,s],dim=0)", "torch.zeros_like(s)", "torch.zeros(2)", "torch.sum(s)"),
    *("torch.max(s,0)", "torch.split(s,1)", "torch.where(s>0,s,x)"),
    *("torch.einsum('ij,jk->ik',s,x)", "torch.einsum('ij,jk->ik',[s,x])", "F.relu(s)"),
    *("F.relu(s,inplace=True)", "F.linear(s,x)", "F.linear(x,s)", "F.dropout(s,0.5)"),
    *("F.layer_norm(s,(2,))", "F.softmax(s,-1)", "F.cross_entropy(s,torch.tensor([0,1]))"),
    *("F.mse_loss(s,x)", "F.pad(s,(1,1))", "F.gelu(s)", "F.max_pool1d(s,2)"),
    *("F.embedding(torch.tensor([0,1]),s)", "torch.nn.Linear(2,2)(s)", "torch.nn.ReLU()(s)"),
    *("torch.nn.LayerNorm(2)(s)", "torch.nn.MSELoss()(s,x)", "s.numpy()", "s.tolist()"),
    *("s[0,0].item()", "s.to(torch.float64)", "s.double()", "s.cpu()", "s.clone()"),
    *("s.detach()", "s.view(-1)", "s.reshape(4)", "s.view_as(x)", "s.t()"),
    *("s.requires_grad_()", "s.unbind()", "s.split(1)", "s.chunk(2)", "s.max()", "s.max(0)"),
    *("s.sort()", "s.topk(1)", "s.new_zeros(2)", "s.new_tensor([1.])", "s.new(2)", "s.type()"),
    *("s.type_as(x)", "s.contiguous()", "s.expand(2,2)", "torch.broadcast_tensors(s,x)"),
    *("torch.meshgrid(s[0],s[1])", "torch.as_tensor(s)", "torch.is_tensor(s)"),
    *("torch.numel(s)", "torch.allclose(s,x)", "torch.equal(s,x)", "torch.norm(s)"),
    *("torch.linalg.norm(s)", "torch.linalg.inv(s+torch.eye(2))", "torch.fft.fft(s)"),
    *("torch.special.erf(s)", "torch.unique(s)", "torch.tensordot(s,x)", "torch.atleast_1d(s)"),
    *("torch.svd(s)", "torch.bernoulli(s)", "torch.rand_like(s)", "torch.result_type(s,x)"),
    *("torch.is_floating_point(s)", "s.is_floating_point()", "s.is_complex()", "s.real"),
    *("s.storage_offset()", "s.__deepcopy__({})", "s.is_shared()"),
    *("s.apply_(lambda a:a)", "s.fill_(1)", "s.zero_()", "s.copy_(x)", "x.copy_(s)"),
    *("s.set_(x)", "s.resize_(2,2)", "s.index_select(0,torch.tensor([0]))"),
    *("s.masked_fill(x>0,1.)", "s.scatter(0,torch.zeros(2,2).long(),1.)", "s.uniform_()"),
    *("s.normal_()", "s.exponential_()", "torch.nn.init.uniform_(s)"),
    *("torch.nn.init.normal_(s)", "torch.nn.init.kaiming_uniform_(s)"),
    *("torch.nn.init.constant_(s,1.)", "torch.Tensor.add(s,1)", "torch._C._nn.gelu(s)"),
    *("torch.conv1d(s[None],x[None])", "torch.zeros_like(s,dtype=torch.int64)", "dir(s)"),
    *("s.grad_fn", "s._version", "s._base", "s.layout", "s.itemsize", "s.nbytes"),
    *("s.nelement()", "s.element_size()", "s.is_sparse", "s.requires_grad_(False)", "s += 1"),
    *("s.int()", "torch.autograd.grad(s.clone().requires_grad_().sum(),[])"),
    *("torch.empty_like(s)", "F.scaled_dot_product_attention(s[None],s[None],s[None])"),
    *("F.normalize(s)", "F.one_hot(s.long())", "F.interpolate(s[None],scale_factor=2.)"),
    *("F.gumbel_softmax(s)", "F.tanh(s)", "F.sigmoid(s)"),
    *("F.batch_norm(s,None,None,training=True)", "F.conv2d(s[None,None],x[None,None])"),
    *("torch.relu(s)", "torch.clone(s)", "torch.square(s)", "torch.flatten(s)"),
    *("torch.chunk(s,2)"),
)
#: Statements of which an object that is no tensor notes something else here than in PyTorch.
NOT_OF_OBJECTS = (*("s/x", "torch.Tensor.add(s,1)", "torch.norm(s)"),)


def logs(torch: Any) -> dict[str, list[Any]]:
    """Return for each statement what was dispatched and of which class the result is."""
    log: list[Any] = []

    def note(func: Any, types: Any, args: Any, kwargs: Any) -> None:
        own = [each.__name__ for each in types if each is not torch.Tensor]
        log.append([func.__name__, own, len(args), list(kwargs or {})])

    class Noting(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore
            note(func, types, args, kwargs)
            return super().__torch_function__(func, types, args, kwargs or {})

    class Object:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore
            note(func, types, args, kwargs)
            return 7

    found = {}
    for sort, make in (
        ("subclass", lambda: torch.ones(2, 2).as_subclass(Noting)),
        ("object", Object),
    ):
        for statement in STATEMENTS:
            if sort == "object" and (statement.startswith("s.") or statement in NOT_OF_OBJECTS):
                continue
            space = {"torch": torch, "F": torch.nn.functional, "x": torch.ones(2, 2), "s": make()}
            log.clear()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[f"{sort}: {statement}"] = [_outcome(statement, space), list(log)]
    return found


def _outcome(statement: str, space: dict[str, Any]) -> str:
    """Run a statement and return the class of its result, or its error."""
    try:
        try:
            code = compile(statement, "statement", "eval")
        except SyntaxError:
            exec(statement, space)
            return "nothing"
        result = eval(code, space)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if isinstance(result, (tuple, list)) and not isinstance(result, str):
        inner = ", ".join(type(each).__name__ for each in result[:3])
        return f"{type(result).__name__} of {inner}"
    return type(result).__name__
