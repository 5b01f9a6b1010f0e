"""Embed every face in photographs with dlib, by face_recognition: ``python dlib_faces.py PHOTO...``.

Prints one JSON line a photograph, as face-verify embed does.
"""

import json
import sys

import face_recognition


def main() -> None:
    for path in sys.argv[1:]:
        pixels = face_recognition.load_image_file(path)
        places = face_recognition.face_locations(pixels)
        embeddings = face_recognition.face_encodings(pixels, places, model="small")
        items = [
            {"bbox": [left, top, right, bottom], "embedding": embedding.tolist()}
            for (top, right, bottom, left), embedding in zip(places, embeddings, strict=True)
        ]
        print(json.dumps({"path": path, "items": items}))


if __name__ == "__main__":
    main()
