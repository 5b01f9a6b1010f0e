"""Detect with OpenCV's dnn module, as its own YOLO sample does: ``opencv_yolo.py CFG WEIGHTS IMAGE...``.

Prints one JSON line an image. Needs opencv-python-headless < 5 (5 no longer reads Darknet's files).
"""

import json
import sys

import cv2
import numpy as np

SIZE = 416
SCORE = 0.5
IOU = 0.45


def main() -> None:
    cfg, weights, *paths = sys.argv[1:]
    network = cv2.dnn.readNetFromDarknet(cfg, weights)
    heads = network.getUnconnectedOutLayersNames()
    for path in paths:
        picture = cv2.imread(path)
        rows, columns = picture.shape[:2]
        network.setInput(cv2.dnn.blobFromImage(picture, 1 / 255, (SIZE, SIZE), swapRB=True, crop=False))
        found = np.concatenate(network.forward(heads))  # (n, 5 + classes), classes already times objectness
        found = found[found[:, 4] > SCORE]
        class_ids = found[:, 5:].argmax(axis=1)
        scores = found[np.arange(len(found)), 5 + class_ids]
        boxes = (found[:, :4] - np.pad(found[:, 2:4] / 2, [(0, 0), (0, 2)])) * ([columns, rows] * 2)
        kept = cv2.dnn.NMSBoxesBatched(boxes.tolist(), scores.tolist(), class_ids.tolist(), SCORE, IOU)
        items = [
            {
                "class_id": int(class_ids[one]),
                "score": round(float(scores[one]), 4),
                "bbox": [round(side, 2) for side in (*boxes[one, :2], *(boxes[one, :2] + boxes[one, 2:]))],
            }
            for one in kept
        ]
        print(json.dumps({"path": path, "width": columns, "height": rows, "items": items}))


if __name__ == "__main__":
    main()
