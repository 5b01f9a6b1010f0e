"""YOLO object detectors in Darknet's formats."""
