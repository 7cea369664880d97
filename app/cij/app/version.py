"""The version of cij, also in a checkout that is not installed."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    try:
        return version("cij")
    except PackageNotFoundError:
        return "0+unknown"
