"""Keras on its PyTorch backend."""

import tempfile

import keras
import numpy as np
from programs import run_programs


def dense():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    x = np.random.RandomState(0).randn(64, 4).astype("float32")
    y = (x.sum(1) > 0).astype("int64")
    history = model.fit(x, y, epochs=2, batch_size=16, verbose=0, validation_split=0.25)
    print({name: np.round(value, 4).tolist() for name, value in history.history.items()})
    print(model.predict(x[:2], verbose=0).round(3))
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model.keras")
        again = keras.models.load_model(f"{folder}/model.keras")
    print(np.allclose(again.predict(x, verbose=0), model.predict(x, verbose=0)))
    model.summary(print_fn=lambda text: print(model.count_params()))


def convolution_and_attention():
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same")(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Reshape((16, 4))(x)
    x = keras.layers.MultiHeadAttention(2, 4)(x, x)
    x = keras.layers.GRU(5)(x)
    model = keras.Model(image, keras.layers.Dense(1)(keras.layers.Dropout(0.2)(x)))
    model.compile("sgd", "mse")
    images, targets = np.random.RandomState(0).rand(8, 8, 8, 3), np.ones((8, 1))
    print([round(float(model.train_on_batch(images, targets)), 4) for _ in range(3)])


def operations():
    x = keras.ops.convert_to_tensor(np.arange(6.0).reshape(2, 3))
    print(keras.ops.softmax(x), keras.ops.logsumexp(x, axis=1), keras.ops.top_k(x, 2))
    print(keras.ops.scatter([[0], [2]], [5.0, 6.0], (4,)))
    print(keras.ops.segment_sum(x[0], keras.ops.convert_to_tensor([0, 0, 1])))


run_programs()
