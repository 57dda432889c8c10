"""The route table as a value, for the HTTP document and the tests made from it.

Its handlers belong to no running service: they can be described, not called.
"""

from services.upload.http import UploadHttp

ROUTES = UploadHttp.__new__(UploadHttp).routes()
