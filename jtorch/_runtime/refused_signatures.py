"""What functions take that jtorch has the names of, and no more: PyTorch's signatures.

Wrong arguments are refused in the words of these, right ones by ``unsupported``.
"""

from __future__ import annotations

SIGNATURES: dict[str, tuple[str, ...]] = {
    "batch_norm_backward_elemt": (
        "(Tensor grad_out, Tensor input, Tensor mean, Tensor invstd, Tensor? weight, "
        "Tensor sum_dy, Tensor sum_dy_xmu, Tensor count, *, Tensor out=None)",
    ),
    "batch_norm_backward_reduce": (
        "(Tensor grad_out, Tensor input, Tensor mean, Tensor invstd, Tensor? weight, "
        "bool input_g, bool weight_g, bool bias_g, *, TensorList[4] out=None)",
    ),
    "batch_norm_elemt": (
        "(Tensor input, Tensor? weight, Tensor? bias, Tensor mean, Tensor invstd, "
        "double eps, *, Tensor out=None)",
    ),
    "batch_norm_gather_stats": (
        "(Tensor input, Tensor mean, Tensor invstd, Tensor? running_mean, "
        "Tensor? running_var, double momentum, double eps, int64_t count, *, "
        "TensorList[2] out=None)",
    ),
    "batch_norm_gather_stats_with_counts": (
        "(Tensor input, Tensor mean, Tensor invstd, Tensor? running_mean, "
        "Tensor? running_var, double momentum, double eps, Tensor counts, *, "
        "TensorList[2] out=None)",
    ),
    "batch_norm_stats": ("(Tensor input, double eps, *, TensorList[2] out=None)",),
    "batch_norm_update_stats": (
        "(Tensor input, Tensor? running_mean, Tensor? running_var, double momentum, *, "
        "TensorList[2] out=None)",
    ),
    "chalf": ("(Tensor input, *, MemoryFormat? memory_format=None)",),
    "choose_qparams_optimized": (
        "(Tensor input, int64_t numel, int64_t n_bins, double ratio, int64_t bit_width)",
    ),
    "cudnn_affine_grid_generator": (
        "(Tensor theta, int64_t N, int64_t C, int64_t H, int64_t W, *, Tensor out=None)",
    ),
    "cudnn_batch_norm": (
        "(Tensor input, Tensor weight, Tensor? bias, Tensor? running_mean, "
        "Tensor? running_var, bool training, double exponential_average_factor, "
        "double epsilon, *, TensorList[4] out=None)",
    ),
    "cudnn_convolution": (
        "(Tensor input, Tensor weight, SymIntArrayRef padding, SymIntArrayRef stride, "
        "SymIntArrayRef dilation, SymInt groups, bool benchmark, bool deterministic, "
        "bool allow_tf32, *, Tensor out=None)",
    ),
    "cudnn_convolution_add_relu": (
        "(Tensor input, Tensor weight, Tensor z, Scalar? alpha, Tensor? bias, "
        "SymIntArrayRef stride, SymIntArrayRef padding, SymIntArrayRef dilation, "
        "SymInt groups, *, Tensor out=None)",
    ),
    "cudnn_convolution_relu": (
        "(Tensor input, Tensor weight, Tensor? bias, SymIntArrayRef stride, "
        "SymIntArrayRef padding, SymIntArrayRef dilation, SymInt groups, *, Tensor out=None)",
    ),
    "cudnn_convolution_transpose": (
        "(Tensor input, Tensor weight, SymIntArrayRef padding, "
        "SymIntArrayRef output_padding, SymIntArrayRef stride, SymIntArrayRef dilation, "
        "SymInt groups, bool benchmark, bool deterministic, bool allow_tf32, *, "
        "Tensor out=None)",
    ),
    "cudnn_grid_sampler": ("(Tensor input, Tensor grid, *, Tensor out=None)",),
    "cudnn_is_acceptable": ("(Tensor input)",),
    "empty_quantized": (
        "(IntArrayRef size, Tensor qtensor, *, MemoryFormat? memory_format=None, "
        "ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
        "bool? pin_memory=False, bool? requires_grad=False)",
    ),
    "fbgemm_linear_fp16_weight": (
        "(Tensor input, Tensor packed_weight, Tensor bias)",
        "(Tensor input, Tensor packed_weight, Tensor bias, Tensor output)",
    ),
    "fbgemm_linear_fp16_weight_fp32_activation": (
        "(Tensor input, Tensor packed_weight, Tensor? bias)",
        "(Tensor input, Tensor packed_weight, Tensor? bias, Tensor output)",
    ),
    "fbgemm_linear_int8_weight": (
        "(Tensor input, Tensor weight, Tensor packed, Tensor col_offsets, "
        "Scalar weight_scale, Scalar weight_zero_point, Tensor bias)",
    ),
    "fbgemm_linear_int8_weight_fp32_activation": (
        "(Tensor input, Tensor weight, Tensor packed, Tensor col_offsets, "
        "Scalar weight_scale, Scalar weight_zero_point, Tensor bias)",
    ),
    "fbgemm_linear_quantize_weight": ("(Tensor input)",),
    "fbgemm_pack_gemm_matrix_fp16": ("(Tensor input)",),
    "fbgemm_pack_quantized_matrix": (
        "(Tensor input)",
        "(Tensor input, int64_t K, int64_t N)",
    ),
    "fused_moving_avg_obs_fake_quant": (
        "(Tensor input, Tensor observer_on, Tensor fake_quant_on, Tensor running_min, "
        "Tensor running_max, Tensor scale, Tensor zero_point, double averaging_const, "
        "int64_t quant_min, int64_t quant_max, int64_t ch_axis, "
        "bool per_row_fake_quant=False, bool symmetric_quant=False)",
    ),
    "int_repr": ("(Tensor input, *, Tensor out=None)",),
    "miopen_batch_norm": (
        "(Tensor input, Tensor weight, Tensor? bias, Tensor? running_mean, "
        "Tensor? running_var, bool training, double exponential_average_factor, "
        "double epsilon, *, TensorList[3] out=None)",
    ),
    "miopen_convolution": (
        "(Tensor input, Tensor weight, Tensor? bias, SymIntArrayRef padding, "
        "SymIntArrayRef stride, SymIntArrayRef dilation, SymInt groups, bool benchmark, "
        "bool deterministic, *, Tensor out=None)",
    ),
    "miopen_convolution_add_relu": (
        "(Tensor input, Tensor weight, Tensor z, Scalar? alpha, Tensor? bias, "
        "SymIntArrayRef stride, SymIntArrayRef padding, SymIntArrayRef dilation, "
        "SymInt groups)",
    ),
    "miopen_convolution_relu": (
        "(Tensor input, Tensor weight, Tensor? bias, SymIntArrayRef stride, "
        "SymIntArrayRef padding, SymIntArrayRef dilation, SymInt groups)",
    ),
    "miopen_convolution_transpose": (
        "(Tensor input, Tensor weight, Tensor? bias, SymIntArrayRef padding, "
        "SymIntArrayRef output_padding, SymIntArrayRef stride, SymIntArrayRef dilation, "
        "SymInt groups, bool benchmark, bool deterministic, *, Tensor out=None)",
    ),
    "miopen_ctc_loss": (
        "(Tensor log_probs, Tensor targets, IntArrayRef input_lengths, "
        "IntArrayRef target_lengths, int64_t blank, bool deterministic, bool zero_infinity, "
        "*, TensorList[2] out=None)",
        "(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, "
        "int64_t blank, bool deterministic, bool zero_infinity)",
    ),
    "miopen_depthwise_convolution": (
        "(Tensor input, Tensor weight, Tensor? bias, SymIntArrayRef padding, "
        "SymIntArrayRef stride, SymIntArrayRef dilation, SymInt groups, bool benchmark, "
        "bool deterministic, *, Tensor out=None)",
    ),
    "miopen_rnn": (
        "(Tensor input, TensorList weight, int64_t weight_stride0, Tensor hx, Tensor? cx, "
        "int64_t mode, int64_t hidden_size, int64_t num_layers, bool batch_first, "
        "double dropout, bool train, bool bidirectional, IntArrayRef batch_sizes, "
        "Tensor? dropout_state, *, TensorList[5] out=None)",
    ),
    "mkldnn_adaptive_avg_pool2d": (
        "(Tensor input, IntArrayRef[2] output_size, *, Tensor out=None)",
    ),
    "mkldnn_convolution": (
        "(Tensor input, Tensor weight, Tensor? bias, SymIntArrayRef padding, "
        "SymIntArrayRef stride, SymIntArrayRef dilation, SymInt groups, *, Tensor out=None)",
    ),
    "mkldnn_linear_backward_weights": (
        "(Tensor grad_output, Tensor input, Tensor weight, bool bias_defined, *, "
        "TensorList[2] out=None)",
    ),
    "mkldnn_max_pool2d": (
        "(Tensor input, IntArrayRef[2] kernel_size, IntArrayRef[2] stride=None, "
        "IntArrayRef[2] padding=0, IntArrayRef[2] dilation=1, bool ceil_mode=False, *, "
        "Tensor out=None)",
    ),
    "mkldnn_max_pool3d": (
        "(Tensor input, IntArrayRef[3] kernel_size, IntArrayRef[3] stride=None, "
        "IntArrayRef[3] padding=0, IntArrayRef[3] dilation=1, bool ceil_mode=False, *, "
        "Tensor out=None)",
    ),
    "mkldnn_rnn_layer": (
        "(Tensor input, Tensor weight0, Tensor weight1, Tensor weight2, Tensor weight3, "
        "Tensor hx_, Tensor cx_, bool reverse, IntArrayRef batch_sizes, int64_t mode, "
        "int64_t hidden_size, int64_t num_layers, bool has_biases, bool bidirectional, "
        "bool batch_first, bool train, *, TensorList[4] out=None)",
    ),
    "q_per_channel_axis": ("(Tensor input)",),
    "q_per_channel_scales": ("(Tensor input, *, Tensor out=None)",),
    "q_per_channel_zero_points": ("(Tensor input, *, Tensor out=None)",),
    "q_scale": ("(Tensor input)",),
    "q_zero_point": ("(Tensor input)",),
    "qscheme": ("(Tensor input)",),
    "quantize_per_channel": (
        "(Tensor input, Tensor scales, Tensor zero_points, int64_t axis, ScalarType dtype, "
        "*, Tensor out=None)",
    ),
    "quantize_per_tensor": (
        "(Tensor input, Tensor scale, Tensor zero_point, ScalarType dtype)",
        "(Tensor input, double scale, int64_t zero_point, ScalarType dtype)",
        "(TensorList tensors, Tensor scales, Tensor zero_points, ScalarType dtype)",
    ),
    "quantize_per_tensor_dynamic": (
        "(Tensor input, ScalarType dtype, bool reduce_range, *, Tensor out=None)",
    ),
    "quantized_batch_norm": (
        "(Tensor input, Tensor? weight, Tensor? bias, Tensor mean, Tensor var, double eps, "
        "double output_scale, int64_t output_zero_point, *, Tensor out=None)",
    ),
    "quantized_gru_cell": (
        "(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor b_ih, Tensor b_hh, "
        "Tensor packed_ih, Tensor packed_hh, Tensor col_offsets_ih, Tensor col_offsets_hh, "
        "Scalar scale_ih, Scalar scale_hh, Scalar zero_point_ih, Scalar zero_point_hh)",
    ),
    "quantized_lstm_cell": (
        "(Tensor input, TensorList hx, Tensor w_ih, Tensor w_hh, Tensor b_ih, Tensor b_hh, "
        "Tensor packed_ih, Tensor packed_hh, Tensor col_offsets_ih, Tensor col_offsets_hh, "
        "Scalar scale_ih, Scalar scale_hh, Scalar zero_point_ih, Scalar zero_point_hh)",
    ),
    "quantized_max_pool1d": (
        "(Tensor input, IntArrayRef[1] kernel_size, IntArrayRef[1] stride=None, "
        "IntArrayRef[1] padding=0, IntArrayRef[1] dilation=1, bool ceil_mode=False, *, "
        "Tensor out=None)",
    ),
    "quantized_max_pool2d": (
        "(Tensor input, IntArrayRef[2] kernel_size, IntArrayRef[2] stride=None, "
        "IntArrayRef[2] padding=0, IntArrayRef[2] dilation=1, bool ceil_mode=False, *, "
        "Tensor out=None)",
    ),
    "quantized_max_pool3d": (
        "(Tensor input, IntArrayRef[3] kernel_size, IntArrayRef[3] stride=None, "
        "IntArrayRef[3] padding=0, IntArrayRef[3] dilation=1, bool ceil_mode=False, *, "
        "Tensor out=None)",
    ),
    "quantized_rnn_relu_cell": (
        "(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor b_ih, Tensor b_hh, "
        "Tensor packed_ih, Tensor packed_hh, Tensor col_offsets_ih, Tensor col_offsets_hh, "
        "Scalar scale_ih, Scalar scale_hh, Scalar zero_point_ih, Scalar zero_point_hh)",
    ),
    "quantized_rnn_tanh_cell": (
        "(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor b_ih, Tensor b_hh, "
        "Tensor packed_ih, Tensor packed_hh, Tensor col_offsets_ih, Tensor col_offsets_hh, "
        "Scalar scale_ih, Scalar scale_hh, Scalar zero_point_ih, Scalar zero_point_hh)",
    ),
    "slice_inverse": (
        "(Tensor input, Tensor src, int64_t dim=0, int64_t? start=None, int64_t? end=None, "
        "int64_t step=1)",
    ),
    "to_mkldnn": ("(Tensor input, ScalarType? dtype=None, *, Tensor out=None)",),
    "to_padded_tensor": (
        "(Tensor input, double padding, SymIntArrayRef? output_size=None, *, Tensor out=None)",
    ),
}
