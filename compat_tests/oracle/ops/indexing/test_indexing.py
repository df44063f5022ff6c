"""Indexing, assignment and the operators that take positions, line by line against PyTorch.

A line is an expression or a statement about ``y`` (or the leaf ``x`` behind it); what it gives or
raises must be the same, and so must be what ``y`` is afterwards.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

READS = r"""
y[0]
y[:]
y[0:1]
y[...]
y[None]
y[()]
y[:,:]
y[:,0]
y[...,0]
y[0,...]
y[None,...]
y[True]
y[False]
y[True,0]
y[[0,1]]
y[[0,1],:,[1,0]]
y[:,[0,1],[1,0]]
y[0,:,[1,0]]
y[[0],None,:,[1]]
y[torch.tensor(1)]
y[torch.tensor(1,dtype=torch.uint8)]
y[torch.tensor(True)]
y[:,torch.tensor(1)]
y[torch.tensor(1):torch.tensor(2)]
y[torch.tensor([1],dtype=torch.int8)]
y[torch.tensor([1],dtype=torch.int32)]
y[torch.tensor([1.])]
y[torch.tensor([1,0],dtype=torch.uint8)]
y[1.0]
y[0,0,0,0]
y[5]
y[-3]
y[:,5]
y[0:1:-1]
y[0:1:0]
y[[0,5]]
y[:,[0,-4]]
y[[True,False]]
y[[True,False,True]]
y[torch.tensor([[True,False,True]])]
y[[0,1],[0,1,2]]
y[torch.tensor([0,5]),0]
y[range(2)]
y[(0,1),]
y[[[0,1],[1,0]]]
y[[0,slice(None)]]
y[[None]]
y[{}]
y[0,{}]
y[[1.0]]
y[[]]
y[torch.tensor([])]
y[torch.tensor([],dtype=torch.long)]
y.sum()[0]
y.sum()[...]
y.sum()[None]
y.sum()[:]
y.sum()[True]
y.sum()[torch.tensor(0)]
y[y>3]
y[y[...,0]>3]
y[0][y[0]>30]
y[1:100]
y[100:]
y[-100:1]
y[::2]
y[1::2,::3]
y[:,None,[0,1]]
y[[0,1],None,[0,1]]
y[...,[0,1],:]
y[[0,1],...,0]
y[0,[0,1]]
y[:,0,[0,1]]
y[...,...]
y[torch.zeros(2,3,4,1,dtype=torch.bool)]
y[torch.zeros(2,2,dtype=torch.bool)]
y.sum()[torch.tensor([0])]
y[0,0,0,[0]]
y[0,0,0,torch.tensor(True)]
y.permute(2,1,0)[[0,1]]
y.permute(2,1,0)[:,[0,1]]
y.permute(2,1,0)[...,[0,1]]
y.permute(2,1,0)[[0,1],:,[0,1]]
len(y.sum())
iter(y.sum())
[1] in y
y[0,torch.tensor(5)]
y[:, torch.tensor(5)]
y[torch.tensor([5])]
y[torch.ones(2,dtype=torch.complex64)]
y[torch.tensor(1.)]
y[1,torch.tensor(1.)]
y[None:None:None]
y[np.array([0,1])]
y[np.array([[0,1],[1,0]])]
y[np.int64(1)]
y[np.array([True,False])]
y[np.bool_(True)]
y[np.array(1)]
y[np.array([0.,1.])]
y[torch.tensor([[True,False,True],[False,True,True]]), 1:]
y[torch.tensor([[True,False,True],[False,True,True]]), ..., 0]
y[torch.tensor([[True,False,True],[False,True,True]]), 0]
y[torch.tensor([[True,False,True],[False,True,True]]), [0,1,2,3]]
y[..., torch.tensor([[True,False,True,False],[False,True,True,False],[True]*4])]
y[:, torch.tensor([True,False,True]), 1:]
y[:, torch.tensor([True,False,True]), [0,1]]
y[torch.tensor([True,False]), :, [0,1]]
y[1:, [0,1], None]
y[None, [0,1], 0]
y[[0,1], True]
y[True, [0,1]]
y[..., None]
y[..., None, [0]]
y[0][[0,1]][[1]]
y[[[0,1]]]
y[[[0,1],[1,2]]]
y[((0,1),(1,2))]
y[(0,1),(1,2)]
y[[torch.tensor(0),torch.tensor(1)]]
y[[0,torch.tensor(1)]]
y[torch.tensor([[0,1],[1,0]])]
y[:,torch.tensor([[0,1],[1,2]])]
y[torch.tensor([[0],[1]]),torch.tensor([[0,1]])]
y[:,:,[]]
y[slice(0,1)]
y[0,slice(1,None,2),None]
y[-1,-1,-1]
y[torch.tensor([-1,-2])]
y[1:3,-1:]
y[:0]
y[[0]*3]
y[y.long()[0,0,:2]]
(y.long()[0,0,:2] in y)
3 in y
3.5 in y
torch.tensor(3.) in y
[len(y), len(y[0])]
list(y[0])
[t.grad_fn.name() for t in y]
y[[True,True]]
y[[[True,True,False],[True,False,False]]]
y[1,[True,True,False]]
""".strip().splitlines()

WRITES = r"""
y[0]=1
y[0]=torch.ones(2)
y[0]=torch.ones(3,4)
y[...]=2
y[:]=2
y[:,:]=2
y[()]=2
y[None]=2
y[0]=torch.ones(3,4,requires_grad=True)
y[...]=torch.ones(3,4,requires_grad=True)
y[[0,1]]=2
y[[0,1]]=torch.ones(5)
y[[0,1]]=torch.ones(3,4)
y[[0,1],0]=torch.ones(3,4)
y[y>3]=0
y[y>3]=torch.ones(3)
y[y>3]=torch.ones(20)
y[y>30]=torch.ones(1)
y[y>3]=torch.ones(1,20)
y[y>3]=torch.ones((),dtype=torch.int64)
y[[0,1]]=torch.ones((3,4),dtype=torch.int64)
y[[0]]=torch.ones(3,4,dtype=torch.float64)
y[0]=torch.ones(3,4,dtype=torch.float64)
y[0]=1j
y[True]=3
y[False]=3
y[False]=torch.ones(9)
y[0]='a'
y[0]=[1,2]
y[5]=0
y[0,0,0,0]=0
y[0]=torch.ones(1,1,3,4)
y[0]=torch.ones(2,3,4)
y[[5]]=0
y[0,0,0]=True
y[0,0,0]=torch.tensor([1.])
y[0,0,0]=torch.tensor([1.,2.])
y[[0,1]]=torch.ones(1,2,3,4)
y[[0,1]]=torch.ones(2,2,3,4)
y[torch.tensor([True,False])]=torch.ones(4)
y[torch.tensor([True,False])]=torch.ones(2,3,4)
y[torch.tensor([True,False]),0]=torch.ones(2,4)
x[0]=1
x[[0]]=1
x[x>1]=1
x[...]=1
x.detach()[0]=1
y.sum()[0]=1
y.sum()[...]=1
y.expand(2,2,3,4)[0]=1
y[0].expand(3,3,4)[[0]]=1
y[0].expand(3,3,4)[0,0]=1
y[0].expand(3,3,4)[:]=1
y[0].expand(3,3,4)[y[0].expand(3,3,4)>0]=1
y[1:]=y[:1]
y.view(-1)[1:]=y.view(-1)[:-1]
y.int()[0]=1.5
y.int()[[0]]=1.5
y.int()[0]=torch.tensor(1.5)
y.bool()[0]=2
y[m]=0
y[m]=torch.ones(16)
y[m]=torch.ones(3)
y[m[0,0,0]]=3
y[m[:,:,0]]=torch.ones(4)
y[m[:,:,0]]=2.5
y[:,m[0,:,0]]=2.5
y[:,m[0,:,0]]=torch.ones(2,1,4)
v[0]=5
v[0,1]=5
v[[0,2]]=7
v[[0,2],1]=torch.tensor([7.,8.])
v[v.detach()[0,0].item()==1.0]=9
v[...]=3
v[:]=z.t()*2
v[-1]=torch.tensor([1.,9])
v[:,0]=torch.tensor([1,9,3])
z[0,:]=torch.tensor([1.,2,3])*2
z[[0,0,0],[1,1,1]]=torch.tensor([5.,6,7])
z[1,2]=np.float32(3)
z[1,2]=np.float64(3)
z[1,2]=np.int64(3)
z[1,2]=np.ones(1)
z[1]=None
z[np.array([0,1]),1]=5
z[0][1]=4
z[0][1:][0]=4
z[:,None]=2
z[None,0]=2
y[0][1]=x[0,0]*3
y[[0]]=x[0]*3
""".strip().splitlines()

OPERATORS = r"""
y.index_select(0,L(0,5))
y.index_select(0,L(0,-1))
y.index_select(0,L(0.))
y.index_select(0,torch.ones(1,1).long())
y.index_select(5,L(0))
y.gather(0,L(0))
y.gather(1,L([0,5]))
y.gather(1,torch.ones(3,1).long())
y.gather(1,L([0.]))
y.gather(1,L([0],[-1]))
y.gather(1,torch.ones(2,1).int()).shape
y.scatter(0,L(0),1.)
y.scatter(1,L([0],[7]),1.)
y.scatter(1,L([0],[1]),torch.ones(1,1))
y.scatter(1,L([0],[1]),torch.ones(2,1).long())
y.scatter_add(1,L([0],[1]),torch.ones(2,1).long())
y.scatter_reduce(1,L([0],[1]),torch.ones(2,1),'foo')
y.scatter_reduce(1,L([0],[1]),torch.ones(2,1),'mean')
y.scatter_reduce(1,L([0],[1]),torch.ones(2,1),'mean',include_self=False)
y.index_add(0,L(0,1),torch.ones(1,3))
y.index_add(0,L(0,1),torch.ones(2,2))
y.index_add(0,L(0,1),torch.ones(2,3).long())
y.index_add(0,L(0,5),torch.ones(2,3))
y.index_add(0,L(0,-1),torch.ones(2,3))
y.index_copy(0,L(0,5),torch.ones(2,3))
y.index_copy(0,L(0,1),torch.ones(2,2))
y.index_copy(0,L(0,1),torch.ones(2,3).long())
y.index_copy(0,L(0,1),torch.ones(3,3))
y.index_fill(0,L(0,5),1)
y.index_fill(0,L(-1),1)
y.index_fill(0,L(0),torch.ones(2))
y.index_fill(0,L([0]),1)
y.masked_fill(y>1,torch.ones(2))
y.masked_fill(y,1)
y.masked_fill(torch.ones(4)>0,1)
y.masked_fill_(torch.ones(2,2,3)>0,1)
y.masked_fill(torch.ones(2,2,3)>0,1).shape
y.long().masked_fill(y>1,1.5)
y.masked_fill(y>1,torch.tensor(2))
y.masked_fill(y>1,1j)
y.masked_scatter(y>1,torch.ones(2))
y.masked_scatter(y>1,torch.ones(9).long())
y.masked_scatter(y,torch.ones(9))
y.masked_select(y)
y.masked_select(torch.ones(3)>0)
y.take(L(0,9))
y.take(L(0,-1))
y.take(L(0.))
y.t().take(L(1))
y.put_(L(0,1),torch.ones(3))
y.put_(L(0,1),torch.ones(2).long())
y.put_(L(0,0),torch.ones(2),accumulate=True)
torch.take_along_dim(y,L([0,1],[1,0]),1)
torch.take_along_dim(y,L(0,1))
torch.take_along_dim(y,L(0,1),1)
torch.take_along_dim(y,L(0.),0)
y.select_scatter(torch.ones(3),0,1)
y.select_scatter(torch.ones(2),0,1)
y.slice_scatter(torch.ones(2,2),1,0,2)
y.slice_scatter(torch.ones(2,3),1,0,2)
y.diagonal_scatter(torch.ones(2))
y.diagonal_scatter(torch.ones(3))
y.index_put((L(0),),torch.tensor(1.))
y.index_put([None,L(0)],torch.tensor(1.))
y.index_put_((L(0,0),L(1,1)),torch.tensor(1.),accumulate=True)
y.index_put((L(0),L(1),L(2)),torch.tensor(1.))
""".strip().splitlines()

GRADIENTS = r"""
y[0]
y[:,1:]
y[[0,1,1],[2,2,0]]
y[torch.tensor([[0,1],[1,1]])]
y.t()[1:]
y.index_select(1,L(0,2,2))
y.gather(1,L([0,0],[2,1]))
y.scatter(1,L([0,0],[2,1]),w)
y.scatter(1,L([0,1],[2,1]),w*2)
y.scatter_add(1,L([0,0],[2,1]),w)
y.scatter_reduce(1,L([0,0],[2,1]),w,'sum')
y.scatter_reduce(1,L([0,0],[2,1]),w,'mean')
y.scatter_reduce(1,L([0,0],[2,1]),w,'prod')
y.scatter_reduce(1,L([0,0],[2,1]),w,'amax')
y.scatter_reduce(1,L([0,0],[2,1]),w,'amin',include_self=False)
y.scatter_reduce(1,L([0,0],[2,1]),w,'prod',include_self=False)
y.index_add(1,L(0,0),w,alpha=2)
y.index_copy(1,L(0,2),w)
y.index_copy(1,L(0,0),w)
y.index_fill(1,L(0,0),w[0,0])
y.masked_fill(m,w[0,0])
y.masked_scatter(m,w)
y.masked_select(m)
y.take(L(0,0,5))
y.put(L(0,1,2,3),w)
y.put(L(0,0,2,3),w,accumulate=True)
y.select_scatter(w[:,0],1,1)
y.slice_scatter(w,1,1,3)
y.diagonal_scatter(w[0])
y.index_put((L(0,0),L(1,1)),w[0])
y.index_put((L(0,0),L(1,1)),w[0],accumulate=True)
y.as_strided((2,2),(1,2))
y.t().as_strided((2,3),(1,1),1)
y.diagonal(1)
y.unfold(1,2,1)
y.expand(2,2,3)
y.clone()
y.t().reshape(-1)
y.flatten()
torch.view_as_complex(w).real*2
torch.view_as_real(torch.view_as_complex(w)*torch.view_as_complex(w))
torch.view_as_complex(w).imag
y.unbind(1)[1]
y.split(2,1)[1]
y.chunk(2,1)[0]
y.permute(1,0)
y.movedim(0,1)
y.squeeze().unsqueeze(1)
y.narrow(1,1,2)
ip(lambda z: z.__setitem__(0,w[0,0]))
ip(lambda z: z[0].mul_(w[0,0]))
ip(lambda z: z.t()[1:].mul_(3))
ip(lambda z: z.__setitem__((slice(None),[0,0]),w))
ip(lambda z: z.__setitem__(m,w[0,1]))
ip(lambda z: z.__setitem__(m,w[0,:1]))
ip(lambda z: z.view(-1)[1:3].copy_(w[0]))
ip(lambda z: z.diagonal().mul_(2))
ip(lambda z: z.as_strided((2,),(2,)).mul_(w[1]))
ip(lambda z: z.fill_(w[0,0]))
ip(lambda z: z.zero_())
ip(lambda z: z.copy_(w[:,:1]))
ip(lambda z: z.t_())
ip(lambda z: z[:, 1:].unsqueeze(0)[0].t().__setitem__(0, w[0]*w[1]))
""".strip().splitlines()


def setting(torch):
    """Return the names that the lines use."""
    values = [[[float(i * 12 + j * 4 + k) for k in range(4)] for j in range(3)] for i in range(2)]
    x = torch.tensor(values, requires_grad=True)
    z = torch.tensor([[1.0, 2, 3], [4, 5, 6]])
    m = torch.tensor([[[v % 3 != 0 for v in row] for row in page] for page in values])
    return {"torch": torch, "np": np, "x": x, "y": x * 1, "z": z, "v": z.t(), "m": m}


def run(torch, line, names):
    """Run a line and return what can be seen afterwards."""
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = compile(line, "line", "eval")
        except SyntaxError:
            code = compile(line, "line", "exec")
        try:
            seen.append(eval(code, names))
        except Exception as error:
            seen.append(f"{type(error).__name__}: {error}")
    for name in ("y", "z", "v"):
        if name in names:
            tensor = names[name]
            seen.append((tensor, tensor._version, tensor.storage_offset()))
    result = seen[0]
    if isinstance(result, torch.Tensor):
        seen.append((result._is_view(), result.storage_offset(), result._version))
    return seen


@pytest.mark.parametrize("line", READS + WRITES)
def test_index(both, line):
    both(lambda torch: run(torch, line, setting(torch)), seed=None)


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("line", OPERATORS)
def test_operator(both, line, requires_grad):
    def program(torch):
        x = torch.tensor([[0.0, 1, 2], [3, 4, 5]], requires_grad=requires_grad)
        y = x * 1 if requires_grad else x
        return run(torch, line, {"torch": torch, "y": y, "L": lambda *a: torch.tensor(a)})

    both(program, seed=None)


@pytest.mark.parametrize("line", GRADIENTS)
def test_gradient(both, line):
    def program(torch):
        x = torch.tensor([[1.0, 2, 3], [4, 0.5, 6]], requires_grad=True)
        w = torch.tensor([[3.0, -1.0], [2.0, 0.5]], requires_grad=True)
        m = torch.tensor([[True, False, True], [False, False, True]])

        def ip(write):
            z = x * 2
            write(z)
            return z

        names = {"torch": torch, "y": x * 1, "w": w, "m": m, "ip": ip}
        result = eval(line, names | {"L": lambda *a: torch.tensor(a)})
        (result * result).sum().backward()
        return result, x.grad, w.grad

    both(program, seed=None)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (1, 1, 4)])
def test_an_update_of_a_slice_that_begins_with_dimensions_of_one(both, shape):
    def program(torch):
        tensor = torch.ones(shape, requires_grad=True) * 2
        tensor[..., ::2] += 1
        return tensor

    both(program)
