"""PyTorch's module database (``module_db``) through both libraries."""
