"""transformers: models made from their configurations, training and generation."""

import tempfile

import torch
import transformers
from programs import run_programs

transformers.logging.set_verbosity_error()
SMALL = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}


def _train(model, batch, steps=3):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(steps):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))
    model.eval()


def _generate(model, start):
    common = {"max_new_tokens": 6, "pad_token_id": 0}
    print(model.generate(start, do_sample=False, **common).tolist())
    torch.manual_seed(1)
    print(
        model.generate(
            start, do_sample=True, top_k=10, top_p=0.9, temperature=0.8, **common
        ).tolist()
    )
    print(model.generate(start, num_beams=3, num_return_sequences=2, **common).tolist())


def bert():
    config = transformers.BertConfig(num_hidden_layers=2, num_labels=3, **SMALL)
    model = transformers.BertForSequenceClassification(config)
    words = torch.randint(0, 50, (4, 7))
    mask = torch.tensor([[1] * 7, [1] * 5 + [0] * 2, [1] * 3 + [0] * 4, [1] * 7])
    _train(
        model, {"input_ids": words, "attention_mask": mask, "labels": torch.tensor([0, 1, 2, 1])}
    )
    print(model(input_ids=words, attention_mask=mask).logits)


def gpt2():
    config = transformers.GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    model = transformers.GPT2LMHeadModel(config)
    words = torch.randint(0, 50, (4, 9))
    _train(model, {"input_ids": words, "labels": words})
    _generate(model, words[:2, :4])


def llama():
    config = transformers.LlamaConfig(num_hidden_layers=2, num_key_value_heads=1, **SMALL)
    model = transformers.LlamaForCausalLM(config)
    words = torch.randint(0, 50, (4, 9))
    _train(model, {"input_ids": words, "labels": words})
    _generate(model, words[:2, :4])
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        again = transformers.AutoModelForCausalLM.from_pretrained(folder)
    print(type(again).__name__, torch.equal(again(words).logits, model(words).logits))


def t5():
    config = transformers.T5Config(
        vocab_size=50,
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=0,
    )
    model = transformers.T5ForConditionalGeneration(config)
    words = torch.randint(1, 50, (3, 6))
    _train(model, {"input_ids": words, "labels": words.flip(1)})
    _generate(model, words)


def vit():
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        image_size=16, patch_size=4, num_labels=3,
    )  # fmt: skip
    model = transformers.ViTForImageClassification(config)
    pixels = torch.randn(3, 3, 16, 16)
    _train(model, {"pixel_values": pixels, "labels": torch.tensor([0, 1, 2])})
    print(model(pixels).logits)


def trainer():
    class Rows(torch.utils.data.Dataset):
        words = torch.randint(0, 50, (24, 8))

        def __len__(self):
            return 24

        def __getitem__(self, index):
            return {"input_ids": self.words[index], "labels": self.words[index]}

    config = transformers.GPT2Config(vocab_size=50, n_embd=16, n_layer=1, n_head=2, n_positions=16)
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder, num_train_epochs=2, per_device_train_batch_size=8, report_to="none",
            save_steps=4, learning_rate=1e-3, warmup_steps=1, disable_tqdm=True, use_cpu=True,
            gradient_accumulation_steps=1, eval_strategy="epoch", logging_strategy="no",
        )  # fmt: skip
        made = transformers.Trainer(
            transformers.GPT2LMHeadModel(config),
            arguments,
            train_dataset=Rows(),
            eval_dataset=Rows(),
        )
        made.remove_callback(transformers.PrinterCallback)
        result = made.train()
        losses = [entry["eval_loss"] for entry in made.state.log_history if "eval_loss" in entry]
        print(
            result.global_step, round(result.training_loss, 4), [round(loss, 4) for loss in losses]
        )
        resumed = made.train(resume_from_checkpoint=True)
        print(resumed.global_step)


run_programs()
