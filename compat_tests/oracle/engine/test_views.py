"""Views and changes of layout, line by line against PyTorch."""

from __future__ import annotations

import warnings

import pytest

LINES = r"""
x.detach()._is_view(), x.detach()._base
y.detach()._is_view()
y.view(-1).detach()._base is None
y.data._version
y.view(6,4).grad_fn.name()
y.view(torch.float64).shape
y.view(torch.uint8).shape
y.view(5)
y.view((2,12)).shape
y.view(2,-1,-1)
y.view(size=(4,6)).shape
y.reshape(4,6).grad_fn.name()
y.permute(2,1,0).reshape(24).grad_fn.name()
y.permute(2,1,0).reshape(-1,2).grad_fn.name()
y.reshape(2,3,4) is y
y.reshape(2,3,4).grad_fn.name()
y.flatten().grad_fn.name()
y.flatten(1,2).shape
y.flatten(2,1)
y.flatten(1,1) is y
y.permute(2,1,0).flatten().grad_fn.name()
y.sum().flatten().shape
y.sum().flatten().grad_fn.name()
y.unflatten(1,(3,1)).grad_fn.name()
y.unflatten(1,(2,2))
y.unflatten(1,(-1,3)).shape
y.unflatten(1,())
y.ravel().grad_fn.name()
y.permute(2,1,0).ravel().grad_fn.name()
y.expand_as(torch.ones(1,2,3,4)).grad_fn.name()
y.movedim(0,1).grad_fn.name()
y.movedim((0,1),(1,2)).stride()
y.movedim((0,1),(1,1))
y.movedim((0,0),(1,2))
y.movedim((0,1),(1,))
y.swapaxes(0,1).grad_fn.name()
y.T
y[0].T.grad_fn.name()
y.mT.grad_fn.name()
y.H
y[0].H.grad_fn.name()
y.mH.grad_fn.name()
y.sum().mT
y.sum().T
y[0,0].T.grad_fn.name()
y[0,0].mT
y.adjoint().grad_fn.name()
y[0,0].adjoint()
y.diagonal().shape,y.diagonal().stride(),y.diagonal().grad_fn.name()
y.diagonal(1,1,2).storage_offset()
y.diagonal(-1,1,2).storage_offset()
y.diagonal(7,1,2).shape
y.diagonal(0,1,1)
y[0,0].diagonal()
y.unfold(2,2,1).shape, y.unfold(2,2,1).stride(), y.unfold(2,2,1).grad_fn.name()
y.unfold(2,5,1)
y.unfold(2,2,0)
y.unfold(2,-1,1)
y.sum().unfold(0,1,1).shape
y.sum().unfold(0,2,1).shape
y.narrow(0,0,1).grad_fn.name()
y.narrow(0,1,2)
y.narrow(0,3,0)
y.narrow(0,0,-1)
y.narrow(0,-1,1).storage_offset()
y.narrow(3,0,1)
y.narrow(0,torch.tensor(1),1).shape
[t.grad_fn.name() for t in y.split(2,1)]
y.split(0,1)
y.split(-1)
[t.grad_fn.name() for t in y.split([1,2],1)]
y.split([1,1],1)
y.split_with_sizes([1,1],1)
y.split([1,-1,3],1)
[t.grad_fn.name() for t in y.chunk(2,1)]
y.chunk(0)
[t.shape[2] for t in y.chunk(3,2)]
[t.grad_fn.name() for t in y.tensor_split(2,1)]
[t.grad_fn.name() for t in y.tensor_split((1,2),1)]
[t.shape for t in y.tensor_split((1,-1,5),1)]
y.tensor_split(0)
y.sum().tensor_split(2)
[t.grad_fn.name() for t in y.hsplit(3)]
y.hsplit(2)
y.vsplit(3)
y.dsplit(3)
y[0].dsplit(2)
y[0,0].vsplit(2)
y.sum().hsplit(1)
[t.grad_fn.name() for t in y.unbind()]
y.sum().unbind()
y.unbind(5)
y.select(0,2)
y.select(0,-3)
y.select(3,0)
y.sum().select(0,0)
y.select(0,1).grad_fn.name()
y.as_strided((2,2),(1,2)).grad_fn.name()
y.as_strided((2,2),(1,2),3).storage_offset()
y[1].as_strided((2,2),(1,2)).storage_offset()
y.as_strided((20,20),(1,20))
y.as_strided((2,),(1,2))
y.as_strided((2,),(-1,))
y.as_strided((-2,),(1,))
y.as_strided((2,),(1,),-1)
torch.view_as_real(torch.ones(2,dtype=torch.complex64,requires_grad=True)).grad_fn.name()
torch.view_as_real(y)
torch.view_as_complex(y)
torch.view_as_complex(torch.ones(4,2,requires_grad=True)).grad_fn.name()
torch.view_as_complex(torch.ones(4,2).t())
torch.view_as_complex(torch.ones(2,4).t())
torch.view_as_complex(torch.ones(4,2,dtype=torch.int))
torch.view_as_complex(torch.tensor(1.))
y.real is y
y.imag
torch.real(y) is y
c.real.grad_fn.name()
c.imag.grad_fn.name(), c.imag.storage_offset(), c.imag.stride()
torch.atleast_1d(y.sum()).grad_fn.name()
torch.atleast_2d(y[0,0]).grad_fn.name()
torch.atleast_3d(y[0]).grad_fn.name(), torch.atleast_3d(y[0]).shape
torch.atleast_1d(y) is y
torch.atleast_1d(y,y.sum())
torch.atleast_1d([y,y.sum()])
y.contiguous() is y
y.permute(2,1,0).contiguous().grad_fn.name()
y.permute(2,1,0).clone().stride()
y.permute(2,1,0).clone(memory_format=torch.contiguous_format).stride()
y[:,::2].clone().stride()
y.expand(2,2,3,4).clone().stride()
y[None].contiguous(memory_format=torch.channels_last).stride()
y[None].is_contiguous(memory_format=torch.channels_last)
y.contiguous(memory_format=torch.channels_last)
y.is_contiguous(memory_format=torch.channels_last)
y[None].clone(memory_format=torch.channels_last).grad_fn.name()
y.fill_(2.).grad_fn.name()
y.fill_(torch.tensor(2.)).grad_fn.name()
y.fill_(torch.tensor([2.]))
y.zero_().grad_fn.name()
y.copy_(torch.ones(4)).grad_fn.name()
y.copy_(torch.ones(5))
y.copy_(torch.ones(1,2,3,4))
y.copy_(2)
y.copy_('a')
y[0].fill_diagonal_(3.).grad_fn.name()
y.fill_diagonal_(3.)
y.detach_().grad_fn
y[0].detach_()
y.view(-1).detach_()
y.split(2,1)[0].detach_()
x.t_()
y[0].t_().grad_fn.name()
y.transpose_(0,1).grad_fn.name(), y._version, y.shape
y.squeeze_().grad_fn.name(), y._version
y.unsqueeze_(0).grad_fn.name(), y._version
y.swapaxes_(0,1).grad_fn.name()
y.resize_(2,2)
torch.arange(6).resize_(2,2), torch.arange(6).resize_(2,2)._version
torch.arange(6).resize_(-1)
torch.arange(6).resize_as_(torch.ones(2,2))
torch.arange(6).set_()
torch.arange(6).set_(torch.arange(3))
torch.arange(6).set_(torch.arange(3.))
y.is_set_to(y.view(2,3,4)), y.is_set_to(y[0])
y.as_strided_((2,2),(1,2)).grad_fn.name()
y.squeeze(5)
y.unsqueeze(5)
y.permute(0,1)
y.permute((2,0,1)).shape
y.permute(0,0,1)
y.expand(3,3,4)
y.expand(-1,3,4).grad_fn.name()
y.transpose(0,5)
y.view(-1,0)
y.view()
y.sum().view().shape
y.sum().reshape(()).shape
y.reshape()
y.view('a')
y.view([2,'a'])
y.view(2.5)
y.view_as(torch.ones(4,6)).shape
y.reshape_as(torch.ones(4,6)).shape
y.storage_offset(), y._is_view(), y._base
y[0,0].T
y[0,0,0].T, y[0,0,0].T
y[0,0,0].mT
y[0,0,0].H
y[0,0,0].mH
y[0,0,0].adjoint()
x.view(-1)._base is x
""".strip().splitlines()


def run(torch, line):
    """Run a line and return what can be seen afterwards."""
    values = [[[float(i * 12 + j * 4 + k) for k in range(4)] for j in range(3)] for i in range(2)]
    x = torch.tensor(values, requires_grad=True)
    y = x * 1
    c = torch.tensor([1 + 1j, 2 + 1j, 3 + 2j], dtype=torch.complex64, requires_grad=True) * 1
    seen = []
    torch.set_warn_always(True)  # whatever was said to other tests
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            seen.append(eval(line, {"torch": torch, "x": x, "y": y, "c": c}))
        except Exception as error:
            seen.append(f"{type(error).__name__}: {error}")
    torch.set_warn_always(False)
    said = [str(warning.message).partition(" (Triggered")[0] for warning in caught]
    seen += [said, y, y._version, y.storage_offset(), y._is_view(), x._version]
    result = seen[0]
    if isinstance(result, torch.Tensor):
        seen.append((result._is_view(), result.storage_offset(), result._version))
    return seen


@pytest.mark.parametrize("line", LINES)
def test_line(both, line):
    both(lambda torch: run(torch, line), seed=None)


REFUSALS = r"""
y.unbind()[0].mul_(2)
y.split(2)[1].mul_(2)
y.chunk(2)[1].mul_(2)
y.tensor_split(2)[1].mul_(2)
y.chunk(2)[1][1:].mul_(2)
x.detach().unbind()[0].mul_(x[0])
x[1:].mul_(2)
x.detach().requires_grad_().mul_(2)
x.detach().expand(2, 6).mul_(2)
x.detach().expand(2, 6).fill_(2)
x.detach().expand(2, 6).copy_(torch.ones(2, 6))
y[1:].copy_(y[:-1])
""".strip().splitlines()


@pytest.mark.parametrize("line", REFUSALS)
def test_write(both, line):
    def program(torch):
        x = torch.tensor([0.0, 1, 2, 3, 4, 5], requires_grad=True)
        y = x * 1
        try:
            result = eval(line, {"torch": torch, "x": x, "y": y})
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
        return result, y, y._version, x._version

    both(program, seed=None)
