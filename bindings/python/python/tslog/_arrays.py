"""Batches as arrays and tables of other libraries, which are imported when they are asked for."""

import importlib
from typing import TYPE_CHECKING, Any

from tslog._errors import TSLogTypeError, TSLogValueError

if TYPE_CHECKING:
    from tslog._tslog import TSBatch


def _need(method: str, *names: str) -> list[Any]:
    modules = []
    for name in names:
        try:
            modules.append(importlib.import_module(name))
        except ImportError as error:
            wanted = " ".join(names)
            raise ImportError(
                f"{method}() needs {name}, which is not installed: pip install {wanted}"
            ) from error
    return modules


def _dtype(numpy: Any, batch: "TSBatch", columns: tuple[Any, ...]) -> Any:
    """The columns of one format where they lie in a record."""
    # NumPy has no Pascal strings: their bytes come as they are, the length in front.
    kinds = {"s": "S", "p": "V", "c": "S", "?": "?"}
    formats = []
    for _name, _unit, code, _offset, size in columns:
        kind = kinds.get(code[1])
        formats.append(f"{kind}{size}" if kind in ("S", "V") else kind or code)
    return numpy.dtype(
        {
            "names": [column[0] for column in columns],
            "formats": formats,
            "offsets": [column[3] for column in columns],
            "itemsize": batch.record_size,
        }
    )


def to_numpy(batch: "TSBatch", tag: int | None = None) -> Any:
    """See `TSBatch.to_numpy`."""
    (numpy,) = _need("to_numpy", "numpy")
    formats = batch.columns
    if tag is not None and tag not in range(len(formats)):
        raise TSLogValueError(f"tag must be from 0 to {len(formats) - 1}, got {tag!r}")
    if len(formats) == 1:
        return numpy.frombuffer(batch, _dtype(numpy, batch, formats[0]))
    if not formats:
        return numpy.frombuffer(batch, numpy.dtype(f"V{batch.record_size}"))
    if tag is None:
        raise TSLogTypeError(
            f"expected a tag, for the log has {len(formats)} formats: call to_numpy(tag=0)"
        )
    raw = numpy.frombuffer(batch, numpy.uint8).reshape(len(batch), batch.record_size)
    (at,) = numpy.nonzero(raw[:, 0] == tag)
    rows = raw[at].reshape(-1).view(_dtype(numpy, batch, formats[tag]))
    names = rows.dtype.names
    result = numpy.empty(len(at), [("seqn", "<u8"), *((name, rows.dtype[name]) for name in names)])
    result["seqn"] = at + batch.first
    for name in names:
        result[name] = rows[name]
    return result


def _columns(numpy: Any, batch: "TSBatch", tag: int | None) -> dict[str, Any]:
    """The numbers of the records, and then each field, as arrays of this machine's byte order."""
    rows = to_numpy(batch, tag)
    columns = {"seqn": numpy.arange(batch.first, batch.first + len(batch), dtype="u8")}
    if rows.dtype.names is None:
        columns["record"] = rows
    else:
        for name in rows.dtype.names:
            values = rows[name]
            native = values.astype(values.dtype.newbyteorder("="), copy=False)
            columns[name] = numpy.ascontiguousarray(native)
    return columns


def _units(batch: "TSBatch", tag: int | None) -> dict[str, str]:
    formats = batch.columns
    columns = formats[tag or 0] if formats else ()
    return {column[0]: column[1] for column in columns if column[1]}


def _objects(columns: dict[str, Any]) -> dict[str, Any]:
    """Bytes as objects of Python, for libraries that know no others."""
    kinds = ("S", "V")
    return {
        name: [bytes(item) for item in values] if values.dtype.kind in kinds else values
        for name, values in columns.items()
    }


def to_arrow(batch: "TSBatch", tag: int | None = None) -> Any:
    """See `TSBatch.to_arrow`."""
    numpy, pyarrow = _need("to_arrow", "numpy", "pyarrow")
    units = _units(batch, tag)
    fields, arrays = [], []
    for name, values in _objects(_columns(numpy, batch, tag)).items():
        array = pyarrow.array(values)
        unit = {"unit": units[name]} if name in units else None
        fields.append(pyarrow.field(name, array.type, nullable=False, metadata=unit))
        arrays.append(array)
    return pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields))


def to_pandas(batch: "TSBatch", tag: int | None = None) -> Any:
    """See `TSBatch.to_pandas`."""
    numpy, pandas = _need("to_pandas", "numpy", "pandas")
    columns = _objects(_columns(numpy, batch, tag))
    index = pandas.Index(columns.pop("seqn"), name="seqn")
    frame = pandas.DataFrame(columns, index=index)
    frame.attrs["units"] = _units(batch, tag)
    return frame


def to_polars(batch: "TSBatch", tag: int | None = None) -> Any:
    """See `TSBatch.to_polars`."""
    numpy, polars = _need("to_polars", "numpy", "polars")
    return polars.DataFrame(_objects(_columns(numpy, batch, tag)))
