"""What is looked at in a module."""

CATEGORIES = (
    *("construction", "initial", "state_dict", "repr", "forward", "eval", "gradient"),
    *("strided", "conversion", "memory", "file", "copy", "error"),
)
