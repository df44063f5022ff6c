"""Draw the graph that autograd keeps behind a tensor, in the manner of PyTorchViz.

The graph is read from ``grad_fn`` and written as Graphviz text: blue boxes are tensors to be
learnt, grey boxes are the steps of the backward pass, the green box is the result. A picture
follows where the ``graphviz`` package and Graphviz's ``dot`` program are installed.
"""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch

LEAF, STEP, RESULT = "lightblue", "lightgrey", "darkolivegreen1"


def polynomial() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return 5x³ + 2x² + 4x + 8 at x = 2, and its variable."""
    x = torch.tensor(2.0, requires_grad=True)
    return 5 * x**3 + 2 * x**2 + 4 * x + 8, {"x": x}


def linear_regression() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the mean squared error of a layer without hidden units, and its parameters."""
    W = torch.zeros(11, 1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    error = torch.ones(1000, 11) @ W + b - torch.ones(1000, 1)
    return (error**2).mean(), {"W": W, "b": b}


def shared() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return a sum in which one intermediate result is used twice."""
    x = torch.ones(2, 2, requires_grad=True)
    y = (x + 2) * (x + 5) + 3
    z = y.exp()
    return (y * z + z).mean(), {"x": x}


EXPRESSIONS = {
    "polynomial": polynomial,
    "linear-regression": linear_regression,
    "shared": shared,
}


class Graph:
    """Steps of a backward pass, numbered in the order in which a walk from the result meets them.

    Args:
        result: a tensor with a ``grad_fn``.
        names: what to call the leaves; one that is not named shows its shape alone.
    """

    def __init__(self, result: torch.Tensor, names: dict[str, torch.Tensor]):
        self.result = result
        self.names = {id(tensor): name for name, tensor in names.items()}
        self.steps: list[object] = []
        self.edges: list[tuple[int, int]] = []
        self._collect(result.grad_fn)

    def _collect(self, root: object) -> None:
        # Every look-up may wrap a step in a new object, so that an id() could be reused by then:
        # the list of steps keeps each alive, and steps are compared by equality.
        numbers = {root: 0}
        self.steps.append(root)
        waiting = [root]
        while waiting:
            step = waiting.pop(0)
            for source, _ in step.next_functions:
                if source is None:
                    continue
                if source not in numbers:
                    numbers[source] = len(self.steps)
                    self.steps.append(source)
                    waiting.append(source)
                self.edges.append((numbers[source], numbers[step]))

    def leaves(self) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield each step that stores a gradient, as its number, with the tensor it belongs to."""
        for number, step in enumerate(self.steps):
            if hasattr(step, "variable"):
                yield number, step.variable

    def leaf_label(self, leaf: torch.Tensor) -> str:
        """Return the name and the shape of a leaf, on two lines where it has a name."""
        name = self.names.get(id(leaf))
        shape = f"({', '.join(str(size) for size in leaf.shape)})"
        return shape if name is None else f"{name}\\n{shape}"

    def dot(self) -> str:
        """Return the graph in the DOT language of Graphviz."""
        lines = [
            "digraph {",
            '    graph [rankdir=TB ranksep=0.25 nodesep=0.3 bgcolor="white"]',
            f"    node [shape=box style=filled fillcolor={STEP} fontname=monospace fontsize=10"
            " height=0.25]",
            "    edge [arrowsize=0.6]",
        ]
        for number, step in enumerate(self.steps):
            lines.append(f'    step{number} [label="{step.name().rpartition("::")[2]}"]')
        for number, leaf in self.leaves():
            label = self.leaf_label(leaf)
            lines.append(f'    leaf{number} [label="{label}" fillcolor={LEAF}]')
            lines.append(f"    leaf{number} -> step{number}")
        for source, target in self.edges:
            lines.append(f"    step{source} -> step{target}")
        shape = f"({', '.join(str(size) for size in self.result.shape)})"
        lines.append(f'    result [label="{shape}" fillcolor={RESULT}]')
        lines.append("    step0 -> result")
        return "\n".join([*lines, "}", ""])


def render(dot_file: Path) -> str:
    """Turn the Graphviz text into a PNG beside it where that is possible.

    Returns:
        One sentence that says what was done.
    """
    try:
        import graphviz
    except ImportError:
        return "No picture: the Python package graphviz is not installed."
    if shutil.which("dot") is None:
        return "No picture: Graphviz's program dot is not installed."
    picture = graphviz.render("dot", "png", dot_file, outfile=dot_file.with_suffix(".png"))
    return f"Picture: {picture}"


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--expression", choices=list(EXPRESSIONS), default="polynomial")
    parser.add_argument("--output", type=Path, default=Path("graph.dot"), help="the text file")
    parser.add_argument("--no-picture", action="store_true", help="write the text alone")
    options = parser.parse_args()

    result, names = EXPRESSIONS[options.expression]()
    graph = Graph(result, names)
    text = graph.dot()
    print(text, end="")
    options.output.write_text(text)
    print(f"Steps: {len(graph.steps)}, arrows between them: {len(graph.edges)}")
    print(f"Written: {options.output}")
    if not options.no_picture:
        print(render(options.output))


if __name__ == "__main__":
    main()
