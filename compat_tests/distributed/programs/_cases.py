"""Prints what cases of a program with several processes yield, as one line of JSON for each."""

import json

import torch


def plain(value):
    """Return a value as JSON can say it; an error by its type and its words."""
    if isinstance(value, torch.Tensor):
        shown = value.detach()
        if shown.is_complex():
            shown = torch.view_as_real(shown)
        if shown.dtype in (torch.bfloat16, torch.float16):
            shown = shown.float()
        return {"dtype": str(value.dtype), "data": shown.tolist()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Exception):
        return {"error": type(value).__name__, "words": str(value)}
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


def show(name, case):
    """Run a case and print what it returns, or the error that it raises."""
    try:
        value = case()
    except Exception as error:
        value = error
    print(json.dumps({"case": name, "value": plain(value)}), flush=True)
