"""sentence-transformers: embeddings of sentences, from a model made here."""

import tempfile
from pathlib import Path

import torch
import transformers
from programs import run_programs
from sentence_transformers import InputExample, SentenceTransformer, losses, models, util
from torch.utils.data import DataLoader

WORDS = ["a", "the", "dog", "cat", "runs", "sleeps", "fast", "slow", "in", "house"]


def _model(folder):
    (Path(folder) / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])
    )
    config = transformers.BertConfig(
        vocab_size=15,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizer(f"{folder}/vocab.txt").save_pretrained(folder)
    words = models.Transformer(folder, max_seq_length=16)
    return SentenceTransformer(
        modules=[words, models.Pooling(16), models.Normalize()], device="cpu"
    )


def encode():
    with tempfile.TemporaryDirectory() as folder:
        model = _model(folder)
        vectors = model.encode(
            ["a dog runs", "the cat sleeps in the house", "a dog"], convert_to_tensor=True
        )
        print(
            vectors[:, :5],
            util.cos_sim(vectors, vectors),
            util.semantic_search(vectors[:1], vectors)[0][1],
        )
        model.save(f"{folder}/whole")
        again = SentenceTransformer(f"{folder}/whole", device="cpu")
        print((again.encode(["a dog"]) == model.encode(["a dog"])).all())


def train():
    with tempfile.TemporaryDirectory() as folder:
        model = _model(folder)
        rows = [
            InputExample(texts=["a dog runs", "the dog runs fast"], label=0.9),
            InputExample(texts=["a cat", "the dog"], label=0.1),
        ]
        batches = DataLoader(rows, batch_size=2, collate_fn=model.smart_batching_collate)
        loss_of = losses.CosineSimilarityLoss(model)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        model.train()
        for step in range(3):
            for features, labels in batches:
                loss = loss_of(features, labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            print(step, round(loss.item(), 4))


run_programs()
