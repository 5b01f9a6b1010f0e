"""Classify with SqueezeNet in Keras, as its tutorials do: ``python keras_squeezenet.py IMAGE...``.

The weights are those that dltools embeds; what is compared is Keras with LiteRT, and the way of a picture to either.
Prints one JSON line an image.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np

from dltools.models.backbones import squeezenet

MEAN = (103.939, 116.779, 123.68)  # of blue, green and red
BATCH = 32


def main() -> None:
    model = squeezenet.classifier()
    squeezenet.set_weights(model, squeezenet.embedded_weights())
    paths, size = sys.argv[1:], (squeezenet.SIZE, squeezenet.SIZE)
    for start in range(0, len(paths), BATCH):
        part = paths[start : start + BATCH]
        pictures = [keras.utils.img_to_array(keras.utils.load_img(path, target_size=size)) for path in part]
        plain = np.stack(pictures)[..., ::-1] - np.array(MEAN, np.float32)
        shares = model.predict_on_batch(plain) + model.predict_on_batch(plain[:, :, ::-1])  # and its mirror image
        for path, each in zip(part, shares / 2, strict=True):
            best = int(each.argmax())
            print(json.dumps({"path": path, "items": [{"class_id": best, "score": round(float(each[best]), 4)}]}))


if __name__ == "__main__":
    main()
