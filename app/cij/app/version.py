"""The version of cij, also from a checkout that was never installed."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    try:
        return version("cij")
    except PackageNotFoundError:
        return "0+unknown"
