"""Nodes and edges of the graph, their hooks, and tensors that are overwritten."""

import torch
from torch.autograd import graph

w = torch.ones(3, requires_grad=True)


def show(*cases):
    for case in cases:
        try:
            print(case())
        except Exception as error:
            print(f"{type(error).__name__}: {error}")


# Nodes
doubled = w * 2
result = doubled.exp()
node = result.grad_fn
print(isinstance(node, graph.Node), issubclass(type(node), graph.Node), type(graph.Node).__name__)
print(node.name(), doubled.grad_fn.next_functions[0][0].name(), doubled.grad_fn.next_functions[1])
print([len((w + 1).grad_fn.next_functions), len((w**2).grad_fn.next_functions)])
show(lambda: graph.Node())

# Edges
edge = graph.get_gradient_edge(result)
print(type(edge).__name__, edge._fields, edge.node.name(), edge.output_nr, edge.ownership_token)
print(graph.get_gradient_edge(w).node.variable is w)
print(torch.autograd.grad(edge, w, torch.ones(3), retain_graph=True))
print(torch.autograd.grad(result.sum(), graph.get_gradient_edge(doubled), retain_graph=True))
print(torch.autograd.grad(result.sum(), [graph.get_gradient_edge(w)], retain_graph=True))
torch.autograd.backward(edge, torch.ones(3))
print(w.grad)
show(lambda: graph.get_gradient_edge(torch.ones(2)))

# Versions
plain = torch.zeros(2)
graph.increment_version(plain)
graph.increment_version([plain, plain])
print(plain, plain._version)
show(lambda: graph.increment_version(3))
exponential = w.exp()
graph.increment_version(exponential)
show(lambda: exponential.sum().backward())

with graph.allow_mutation_on_saved_tensors():
    leaf = torch.ones(3, requires_grad=True)
    copied = leaf.clone()
    square = (copied**2).sum()
    copied.sin_()
    square.backward()
    print(leaf.grad)
    exponential = leaf.exp()
    exponential.mul_(2)
    exponential.sum().backward()
    print(leaf.grad)
    show(lambda: graph.allow_mutation_on_saved_tensors().__enter__())


# Hooks
def hooked(on_tensor=None, on_node=None, factor=2):
    leaf = torch.ones(3, requires_grad=True)
    product = leaf * factor
    if on_tensor is not None:
        product.register_hook(on_tensor)
    if on_node is not None:
        product.grad_fn.register_hook(on_node)
    product.sum().backward()
    return leaf.grad


show(
    lambda: hooked(lambda gradient: gradient * 5),
    lambda: hooked(lambda gradient: "text"),
    lambda: hooked(lambda gradient: torch.ones(2)),
    lambda: hooked(lambda gradient: gradient.double()),
    lambda: hooked(on_node=lambda given, above: print(given, above)),
    lambda: hooked(on_node=lambda given, above: (given[0] * 3, None)),
    lambda: hooked(on_node=lambda given, above: (given[0],)),
    lambda: hooked(on_node=lambda given, above: (given[0], None, None)),
)


# Saved tensors
def saved_with(pack, unpack):
    leaf = torch.ones(3, requires_grad=True)
    with graph.saved_tensors_hooks(pack, unpack):
        total = (leaf * leaf).sum()
    total.backward()
    return leaf.grad


show(
    lambda: saved_with(lambda tensor: tensor.numpy(), torch.from_numpy),
    lambda: saved_with(lambda tensor: tensor, lambda tensor: tensor * 2),
    lambda: saved_with(lambda tensor: 1, lambda packed: packed),
    lambda: saved_with(lambda tensor: tensor.add_(1), lambda tensor: tensor),
)

# Other memory of another size
leaf = torch.ones(3, requires_grad=True)
(leaf * leaf).sum().backward()
leaf.data = torch.ones(5)
print(leaf)
show(lambda: (leaf * leaf).sum().backward())
print(leaf.grad)
