"""Learn to write, letter by letter, from a short text, with an LSTM.

The text stands in this file. The network reads windows of it and is asked for the next letter each
time; afterwards it is given a few words and writes on by itself. The last fifth of the text is
never trained on: there the loss soon rises again, as it must where so little is to be read.

    python examples/character_lstm.py            # PyTorch
    python -m jtorch examples/character_lstm.py  # jtorch
"""

import argparse
import math
from pathlib import Path

import matplotlib
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

matplotlib.use("Agg")
from matplotlib import pyplot

TEXT = """\
The river comes down from the hills in the morning, and the mist comes down with it. The miller
opens the gate, the water falls on the wheel, and the wheel turns the stone. All day the stone turns
and the flour runs into the sack. In the evening the miller shuts the gate, the wheel stands still,
and the river goes on to the sea without him.

The baker takes the flour in the morning, and the salt, and the water from the well. The dough rests
under a cloth while the oven is heated. All day the bread comes out of the oven and the people come
in at the door. In the evening the baker shuts the door, the oven grows cold, and the smell of the
bread goes on down the street without her.

The teacher takes the bread in the morning, and a book, and the key of the school. The children sit
in their rows while the rain runs down the window. All day the chalk writes on the board and the
cloth takes the writing away. In the evening the teacher shuts the book, the rows are empty, and the
words go on in the heads of the children without him.

The sailor learnt the words when she was a child, and the stars, and the names of the winds. The
ship waits in the harbour while the tide comes in. All day the sail stands full and the water runs
along the wood. In the evening the sailor looks at the stars, the wind grows still, and the sea goes
on to the hills of another land, where the mist comes down in the morning, and the river with it.
"""
WINDOW = 48


class Writer(nn.Module):
    """An LSTM over letters.

    Args:
        letters: how many different ones there are.
        hidden: numbers that the memory holds.
    """

    def __init__(self, letters: int, hidden: int = 96):
        super().__init__()
        self.embedding = nn.Embedding(letters, 24)
        self.memory = nn.LSTM(24, hidden, batch_first=True)
        self.output = nn.Linear(hidden, letters)

    def forward(
        self, letters: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Return scores of the next letter at each place, and the memory after the last one.

        Args:
            letters: numbers of letters, (texts, places).
            state: memory before the first one; nothing where it is None.
        """
        memories, state = self.memory(self.embedding(letters), state)
        return self.output(memories), state


def batch_loss(model: Writer, windows: torch.Tensor) -> torch.Tensor:
    """Return the mean loss per letter; each letter but the first of a window is asked for."""
    scores, _ = model(windows[:, :-1])
    return F.cross_entropy(scores.flatten(0, 1), windows[:, 1:].flatten())


@torch.no_grad()
def write(
    model: Writer, opening: torch.Tensor, length: int, temperature: float
) -> tuple[list[int], torch.Tensor]:
    """Let the network write on.

    Args:
        opening: numbers of the first letters.
        length: how many letters are added.
        temperature: below 1 the likely letters are preferred still more.
    Returns:
        The numbers of the letters, and the chance that each had when it was drawn.
    """
    scores, state = model(opening[None])
    written, chances = [], []
    for _ in range(length):
        chance = (scores[0, -1] / temperature).softmax(dim=0)
        letter = torch.multinomial(chance, 1)
        written.append(letter.item())
        chances.append(chance[letter])
        scores, state = model(letter[None], state)
    return written, torch.cat(chances)


def draw(
    losses: list[tuple[int, float, float]],
    start: float,
    text: str,
    chances: torch.Tensor,
    path: Path,
) -> None:
    """Draw the losses, and the text written with a shade for each letter's chance."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    steps, train, held_back = zip(*losses)
    left.axhline(start / math.log(2), color="black", linestyle=":", label="every letter alike")
    for values, colour, label in (
        (train, "#1f5f8b", "text trained on"),
        (held_back, "#7b1e3a", "text held back"),
    ):
        bits = [value / math.log(2) for value in values]
        left.plot(steps, bits, "o-", color=colour, markersize=4, label=label)
    left.set_ylim(0)
    left.set_xlabel("step")
    left.set_ylabel("bits per letter")
    left.set_title("What a letter still tells the network")
    left.legend()

    width = 40
    rows = -(-len(text) // width)
    shades = torch.full((rows * width,), float("nan"))
    shades[: len(text)] = chances
    image = right.imshow(
        shades.reshape(rows, width).numpy(), cmap="RdYlGn", vmin=0, vmax=1, alpha=0.75,
        aspect="auto",
    )  # fmt: skip
    for place, letter in enumerate(text):
        shown = "¶" if letter == "\n" else letter
        row, column = divmod(place, width)
        right.text(column, row, shown, ha="center", va="center", family="monospace", fontsize=9)
    right.axis("off")
    right.set_title("What it wrote")
    figure.colorbar(image, ax=right, label="chance of the letter when it was drawn", shrink=0.8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6, help="of 20 steps each")
    parser.add_argument("--batch-size", type=int, default=24)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--temperature", type=float, default=0.6)
    parser.add_argument("--length", type=int, default=360, help="letters to write")
    parser.add_argument("--opening", default="The baker")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=Path, default=Path("character_lstm.png"), help="the picture"
    )
    options = parser.parse_args()
    torch.manual_seed(options.seed)

    letters = sorted(set(TEXT))
    numbers = {letter: number for number, letter in enumerate(letters)}
    unknown = set(options.opening) - set(letters)
    if unknown:
        raise SystemExit(f"The text has no {', '.join(map(repr, sorted(unknown)))}.")
    encoded = torch.tensor([numbers[letter] for letter in TEXT])
    split = len(encoded) * 4 // 5
    windows = encoded[:split].unfold(0, WINDOW + 1, 1)
    held_back = encoded[split:].unfold(0, WINDOW + 1, WINDOW)
    print(f"Text: {len(TEXT)} letters, {len(letters)} different ones, the last fifth held back")

    model = Writer(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate)
    losses = []
    bar = tqdm(range(1, options.epochs + 1), desc="Training", unit="epoch", disable=None)
    for epoch in bar:
        total = 0.0
        for _ in range(20):
            loss = batch_loss(model, windows[torch.randint(len(windows), (options.batch_size,))])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() / 20
        with torch.no_grad():
            unseen = batch_loss(model, held_back).item()
        losses.append((20 * epoch, total, unseen))
        bar.write(f"Step {20 * epoch:3d}   loss {total:.2f}   on the text held back {unseen:.2f}")

    opening = torch.tensor([numbers[letter] for letter in options.opening])
    written, chances = write(model, opening, options.length, options.temperature)
    text = "".join(letters[number] for number in written)
    print("\n" + options.opening + text + "\n")

    known = set(TEXT.replace(".", " ").replace(",", " ").split())
    generated_words = text.replace(".", " ").replace(",", " ").split()[1:-1]
    rows = [
        ("perplexity, trained on", f"{math.exp(losses[-1][1]):.1f}"),
        (
            "perplexity, best on the text held back",
            f"{math.exp(min(row[2] for row in losses)):.1f}",
        ),
        ("perplexity, every letter alike", f"{len(letters):.1f}"),
        (
            "words written that the text has",
            f"{sum(word in known for word in generated_words)} of {len(generated_words)}",
        ),
        ("mean chance of a letter written", f"{chances.mean().item():.2f}"),
    ]
    for name, value in rows:
        print(f"{name:<40}{value:>10}")

    draw(losses, math.log(len(letters)), text, chances, options.output)
    print(f"Picture: {options.output}")


if __name__ == "__main__":
    main()
