"""What everything stands on: dtypes, promotion, devices, sizes, strides, messages, settings."""
