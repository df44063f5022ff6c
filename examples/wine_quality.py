"""Predict how good a wine tastes from eleven laboratory measurements, with tensors alone.

Each run goes the whole way: load, shuffle, split, normalise, save, train by gradient descent
written out by hand, save the parameters, validate. Run it with the path of a ``.pt`` or ``.csv``
file whose last column is the score, or with no path to download the data set.
"""

import argparse
import csv
import hashlib
import sys
import urllib.error
import urllib.request
from itertools import pairwise
from pathlib import Path

import torch

ARCHIVE = "https://archive.ics.uci.edu/ml/machine-learning-databases/wine-quality"
SHA256 = {
    "red": "4a402cf041b025d4566d954c3b9ba8635a3a8a01e039005d97d6a710278cf05e",
    "white": "76c3f809815c17c07212622f776311faeb31e87610d52c26d87d6e361b169836",
}


def read_csv(path: Path) -> torch.Tensor:
    """Read a table of numbers with one header line; commas or semicolons part the columns."""
    with path.open(newline="") as file:
        header = file.readline()
        delimiter = ";" if ";" in header else ","
        rows = [[float(cell) for cell in row] for row in csv.reader(file, delimiter=delimiter)]
    return torch.tensor(rows)


def read_table(path: Path) -> torch.Tensor:
    """Read a tensor file or a CSV file.

    Args:
        path: a ``.csv`` file, or anything else that ``torch.load`` understands.
    Returns:
        Tensor of shape (rows, features + 1) whose last column is the score.
    """
    if not path.exists():
        raise SystemExit(f"There is no file {path}.")
    return read_csv(path) if path.suffix.lower() == ".csv" else torch.load(path)


def download(colour: str, folder: Path) -> Path:
    """Fetch the data set once and keep it, after checking that it is the published file.

    Args:
        colour: "red" or "white".
        folder: where the file is kept; a later run finds it there.
    Returns:
        Path of the CSV file.
    Raises:
        OSError: the archive cannot be reached, or what came is not the published file.
    """
    path = folder / f"winequality-{colour}.csv"
    if path.exists():
        return path
    with urllib.request.urlopen(f"{ARCHIVE}/{path.name}", timeout=20) as answer:
        content = answer.read()
    checksum = hashlib.sha256(content).hexdigest()
    if checksum != SHA256[colour]:
        raise OSError(f"its checksum is {checksum}, not the published {SHA256[colour]}")
    path.write_bytes(content)
    return path


def diabetes_table() -> torch.Tensor:
    """Return the diabetes study that scikit-learn carries inside its package (442 rows)."""
    from sklearn.datasets import load_diabetes

    features, progression = load_diabetes(return_X_y=True)
    rows = [[*row, score] for row, score in zip(features.tolist(), progression.tolist())]
    return torch.tensor(rows)


def find_data(path: Path | None, colour: str, folder: Path) -> tuple[str, torch.Tensor]:
    """Return the name of the data that is used, and the data.

    Without a path the wine data is downloaded; where that fails, scikit-learn's real diabetes
    data takes its place, so that the example still runs on a machine without a network.
    """
    if path is not None:
        return path.name, read_table(path)
    try:
        fetched = download(colour, folder)
        return f"{fetched.name} from the UCI archive", read_table(fetched)
    except (urllib.error.URLError, OSError) as error:
        print(f"The wine data could not be downloaded: {error}")
    try:
        return "the diabetes study of scikit-learn (not wine)", diabetes_table()
    except ImportError:
        raise SystemExit(
            "Nothing to train on. Give the path of a .pt or .csv file whose last column is the\n"
            "score, or connect to the network, or install scikit-learn for the data it carries."
        ) from None


def prepare(data: torch.Tensor, train_rows: int, folder: Path) -> None:
    """Shuffle, split and normalise the table, and save the parts in the folder.

    The mean and the deviation come from the training rows alone: taken over all rows they would
    let the validation rows leak into the training.
    """
    data = data[torch.randperm(data.shape[0])]
    X, y = data[:, :-1], data[:, -1:]
    X_train, X_val = X[:train_rows], X[train_rows:]
    y_train, y_val = y[:train_rows], y[train_rows:]

    mean, std = X_train.mean(0), X_train.std(0)
    X_train = (X_train - mean) / std
    X_val = (X_val - mean) / std

    torch.save(X_train, folder / "X_train.pt")
    torch.save(y_train, folder / "y_train.pt")
    torch.save(X_val, folder / "X_val.pt")
    torch.save(y_val, folder / "y_val.pt")
    torch.save({"mean": mean, "std": std}, folder / "scale.pt")


def new_parameters(features: int, layers: int, hidden: int) -> list[torch.Tensor]:
    """Draw the weights and offsets to begin with.

    Args:
        features: columns of the table without the score.
        layers: 1 for a weighted sum, 2 for a hidden layer before it.
        hidden: width of the hidden layer.
    Returns:
        A weight matrix and an offset vector for each layer, in the order of their use.
    """
    sizes = [features, 1] if layers == 1 else [features, hidden, 1]
    parameters = []
    for inputs, outputs in pairwise(sizes):
        W = torch.randn(inputs, outputs)
        if layers == 2:
            # Sums of many inputs would drive tanh into its flat ends, where nothing is learnt.
            W /= inputs**0.5
        parameters.append(W.requires_grad_())
        parameters.append(torch.randn(outputs, requires_grad=True))
    return parameters


def predict(X: torch.Tensor, parameters: list[torch.Tensor]) -> torch.Tensor:
    """Return the predicted score of every row, of shape (rows, 1)."""
    if len(parameters) == 2:
        W, b = parameters
        return X @ W + b
    W_hidden, b_hidden, W, b = parameters
    return torch.tanh(X @ W_hidden + b_hidden) @ W + b


def progress(steps: int):
    """Return the step numbers, behind a tqdm bar where there is a terminal and tqdm to draw it."""
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            return tqdm(range(1, steps + 1), desc="Training", unit="step")
    return range(1, steps + 1)


def train(
    X: torch.Tensor,
    y: torch.Tensor,
    parameters: list[torch.Tensor],
    steps: int,
    rate: float,
    every: int,
) -> list[float]:
    """Move the parameters downhill in place.

    Args:
        X: normalised measurements, (rows, features).
        y: scores, (rows, 1).
        parameters: what ``new_parameters`` returned.
        steps: how many times the whole table is looked at.
        rate: how far one step goes along the gradient.
        every: number of steps from one printed loss to the next.
    Returns:
        The loss of every step.
    """
    losses = []
    steps_seen = progress(steps)
    # A bar and plain prints would write over each other; the bar knows how to print beside itself.
    say = getattr(steps_seen, "write", print)
    for step in steps_seen:
        loss = ((predict(X, parameters) - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for parameter in parameters:
                parameter -= rate * parameter.grad
                parameter.grad = None
        losses.append(loss.item())
        if step == 1 or step % every == 0:
            say(f"Step {step:4d}   loss {losses[-1]:.3f}")
    return losses


def draw_losses(losses: list[float], score: float, path: Path) -> None:
    """Draw the loss over the steps, on a logarithmic scale, into an image file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    figure, axes = pyplot.subplots(figsize=(7.5, 4.5), layout="constrained")
    axes.plot(range(1, len(losses) + 1), losses, color="#7b1e3a", linewidth=2)
    axes.set_yscale("log")
    # The loss spans about two decades: a label at 1, 2 and 5 of each keeps the axis readable.
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(which="major", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(0, len(losses))
    axes.set_xlabel("step of gradient descent")
    axes.set_ylabel("mean squared error")
    axes.set_title("Loss on the training rows", loc="left")
    axes.annotate(
        f"last loss {losses[-1]:.3f}\nmean deviation on validation rows {score:.2f} points",
        xy=(0.98, 0.95),
        xycoords="axes fraction",
        horizontalalignment="right",
        verticalalignment="top",
    )
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", type=Path, help=".pt or .csv; the last column is scored")
    parser.add_argument("--colour", choices=sorted(SHA256), default="red", help="when downloading")
    parser.add_argument("--layers", type=int, choices=(1, 2), default=1)
    parser.add_argument("--hidden", type=int, default=16, help="width of the hidden layer")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train-rows", type=int, help="default: 1000, or 5/8 of a smaller table")
    parser.add_argument("--every", type=int, default=100, help="steps between two printed losses")
    parser.add_argument("--work-dir", type=Path, default=Path("wine_quality_files"))
    parser.add_argument("--picture", type=Path, help="draw the loss into this file (matplotlib)")
    return parser.parse_args()


def main() -> None:
    """Run the example from the command line."""
    options = arguments()
    folder = options.work_dir
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)

    name, data = find_data(options.data, options.colour, folder)
    rows, columns = data.shape
    print(f"Data: {name}, {rows} rows, {columns - 1} measurements and a score")
    train_rows = options.train_rows or (1000 if rows >= 1500 else rows * 5 // 8)
    if not 1 < train_rows < rows:
        raise SystemExit(f"--train-rows must lie between 2 and {rows - 1}.")

    prepare(data, train_rows, folder)
    X_train, y_train = torch.load(folder / "X_train.pt"), torch.load(folder / "y_train.pt")
    X_val, y_val = torch.load(folder / "X_val.pt"), torch.load(folder / "y_val.pt")
    print("Training:  ", X_train.shape, y_train.shape)
    print("Validation:", X_val.shape, y_val.shape)

    parameters = new_parameters(columns - 1, options.layers, options.hidden)
    losses = train(X_train, y_train, parameters, options.steps, options.rate, options.every)
    torch.save([parameter.detach() for parameter in parameters], folder / "model.pt")

    with torch.no_grad():
        predicted = predict(X_val, torch.load(folder / "model.pt"))
    score = (predicted - y_val).abs().mean()
    print(f"Mean deviation: {score:.2f} points")

    if options.picture is not None:
        draw_losses(losses, score.item(), options.picture)
        print(f"Picture of the loss: {options.picture}")


if __name__ == "__main__":
    main()
