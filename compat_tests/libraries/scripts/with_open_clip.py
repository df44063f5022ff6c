"""open-clip: pictures and words in one space."""

import open_clip
import torch
from programs import run_programs

CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def training():
    model = open_clip.CLIP(**CONFIG)
    words = open_clip.SimpleTokenizer()(["a dog", "two cats", "a house"])
    images = torch.randn(3, 3, 32, 32)
    loss_of = open_clip.ClipLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(3):
        image, text, scale = model(images, words)
        loss = loss_of(image, text, scale)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))
    model.eval()
    print(model.encode_image(images, normalize=True)[0, :5], model.encode_text(words)[0, :5])


def preprocessing():
    from PIL import Image

    made = open_clip.image_transform(32, is_train=False)
    picture = Image.effect_mandelbrot((48, 40), (-2, -1.5, 1, 1.5), 20).convert("RGB")
    print(made(picture)[:, ::9, ::9], open_clip.tokenize(["hello world"])[0, :5])
    model = open_clip.CustomTextCLIP(
        **{**CONFIG, "text_cfg": {**CONFIG["text_cfg"], "pool_type": "argmax"}}
    ).eval()
    print(model.visual(torch.randn(1, 3, 32, 32))[0, :5])


run_programs()
