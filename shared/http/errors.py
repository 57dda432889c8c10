"""Errors that only HTTP knows."""

from shared.errors import InvalidError


class MethodNotAllowedError(InvalidError):
    """This address does not answer that method."""

    code = "method-not-allowed"
    status = 405


class NotAcceptableError(InvalidError):
    """This cannot be given in any of the formats asked for."""

    code = "not-acceptable"
    status = 406


class UnsupportedMediaTypeError(InvalidError):
    """The body's media type is not one this address reads."""

    code = "unsupported-media-type"
    status = 415


class LengthRequiredError(InvalidError):
    """Say how long the body is."""

    code = "length-required"
    status = 411


class RangeError(InvalidError):
    """The range asked for lies outside the content."""

    code = "range-not-satisfiable"
    status = 416
