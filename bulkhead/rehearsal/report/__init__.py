"""The rehearsal's result as one HTML page."""

from bulkhead.rehearsal.report.file import check_writable, write
from bulkhead.rehearsal.report.page import render

__all__ = ["check_writable", "render", "write"]
