"""Every type of resource that is known, by name: `from bulkhead.resources import types as t`, then `t.S3_BUCKET`."""

from bulkhead.resources.aws.compute import *
from bulkhead.resources.aws.iam import *
from bulkhead.resources.aws.keys import *
from bulkhead.resources.aws.notices import *
from bulkhead.resources.aws.storage import *
from bulkhead.resources.cloudflare.stores import *
from bulkhead.resources.cloudflare.workers import *
from bulkhead.resources.cloudflare.zone import *
from bulkhead.resources.github.repository import *
