"""What a module returned may be written to where its last operator did not save it."""

from __future__ import annotations

import pytest

#: A module, the shapes of what it is given, and the operator whose saved result is overwritten.
MODULES = {
    "Linear(4, 3)": ([2, 4], None),
    "BatchNorm1d(4)": ([3, 4], None),
    "RMSNorm(4)": ([3, 4], None),
    "ReLU()": ([2, 4], "Relu"),
    "ReLU6()": ([2, 4], None),
    "Softplus()": ([2, 4], None),
    "Softmax(-1)": ([2, 4], "Softmax"),
    "LogSoftmax(-1)": ([2, 4], "LogSoftmax"),
    "RNNCell(3, 4)": ([2, 3], "Tanh"),
    "RNNCell(3, 4, nonlinearity='relu')": ([2, 3], "Relu"),
    "GRUCell(3, 4)": ([2, 3], None),
    "LSTMCell(3, 4)": ([2, 3], None),
    "RNN(3, 4)": ([5, 2, 3], None),
    "RNN(3, 4, 2, bidirectional=True)": ([5, 2, 3], None),
    "GRU(3, 4)": ([5, 2, 3], None),
    "GRU(3, 4, 2, batch_first=True)": ([5, 2, 3], None),
    "LSTM(3, 4)": ([5, 2, 3], "MkldnnRnnLayer"),
    "LSTM(3, 4, bidirectional=True)": ([5, 2, 3], None),
}


@pytest.fixture(params=["at once", "looked at", "a part of it"])
def write(request):
    """Return a function that writes to a tensor."""

    def call(tensor):
        if request.param == "looked at":
            tensor.tolist()
        (tensor[0] if request.param == "a part of it" else tensor).mul_(2)

    return call


def result_of(torch, text):
    torch.manual_seed(0)
    module = eval("nn." + text, {"nn": torch.nn})
    shape, _ = MODULES[text]
    given = torch.randn(shape, requires_grad=True)
    return module, given, module(given)


@pytest.mark.parametrize("text", MODULES)
def test_the_last_operator_says_whether(torch, text, write):
    _, given, result = result_of(torch, text)
    if isinstance(result, tuple):
        result = result[0]
    write(result)
    name = MODULES[text][1]
    if name is None:
        result.sum().backward()
        _, again, other = result_of(torch, text)
        copy = (other[0] if isinstance(other, tuple) else other).clone()
        write(copy)
        copy.sum().backward()
        torch.testing.assert_close(given.grad, again.grad)
        return
    with pytest.raises(RuntimeError) as caught:
        result.sum().backward()
    assert f", which is output 0 of {name}, is at version 1; expected version 0" in str(
        caught.value
    )


@pytest.mark.parametrize("text", ["LSTM(3, 4)", "GRU(3, 4)", "RNN(3, 4, 2, bidirectional=True)"])
def test_last_states_are_stacked(torch, text, write):
    _, given, (output, states) = result_of(torch, text)
    last = states[0] if isinstance(states, tuple) else states
    write(last)
    (output.sum() + last.sum()).backward()
    assert given.grad.abs().sum() > 0


def test_the_memory_of_a_cell_is_not_saved(torch, write):
    _, given, (state, memory) = result_of(torch, "LSTMCell(3, 4)")
    write(memory)
    (state.sum() + memory.sum()).backward()
    assert given.grad.abs().sum() > 0


def test_a_network_goes_on_in_place(torch):
    gradients = []
    for inplace in (False, True):
        torch.manual_seed(0)
        network = torch.nn.GRU(3, 4, 2, batch_first=True)
        output, _ = network(torch.randn(2, 5, 3))
        torch.nn.functional.leaky_relu(output, inplace=inplace).sum().backward()
        gradients.append([p.grad for p in network.parameters()])
    torch.testing.assert_close(*gradients)
