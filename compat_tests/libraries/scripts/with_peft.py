"""peft: adapters of models."""

import tempfile

import peft
import torch
import transformers
from programs import run_programs


def _model():
    config = transformers.GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    return transformers.GPT2LMHeadModel(config)


def _train(model, words):
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-2)
    for step in range(3):
        loss = model(input_ids=words, labels=words).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))


def low_rank():
    words = torch.randint(0, 50, (4, 8))
    base = _model()
    state = {name: value.clone() for name, value in base.state_dict().items()}
    model = peft.get_peft_model(
        base, peft.LoraConfig(r=4, lora_alpha=8, target_modules=["c_attn"], task_type="CAUSAL_LM")
    )
    model.print_trainable_parameters()
    _train(model, words)
    other = _model()
    other.load_state_dict(state)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        again = peft.PeftModel.from_pretrained(other, folder).eval()
    model.eval()
    print(torch.allclose(again(words).logits, model(words).logits))
    print(model.merge_and_unload()(words).logits[0, 0, :5])


def other_adapters():
    words = torch.randint(0, 50, (4, 8))
    for config in (
        peft.IA3Config(task_type="CAUSAL_LM"),
        peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3),
        peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2),
        peft.VeraConfig(r=4, target_modules=["c_fc"], task_type="CAUSAL_LM"),
    ):
        print(type(config).__name__)
        _train(peft.get_peft_model(_model(), config), words)


run_programs()
