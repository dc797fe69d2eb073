"""A picture as text, so that it travels within a page."""

import base64
import io

from PIL import Image


def jpeg_data_url(image: Image.Image, *, quality: int) -> str:
    """Return a picture, grey or RGB, as the data URL of a JPEG of `quality` (1..95)."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
