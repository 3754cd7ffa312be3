"""What a rehearsal proves, in the order in which it is shown: looking first, then what removes things."""

from typing import Final

from bulkhead.rehearsal.proofs import (
    apart,
    closed,
    delivered,
    judged,
    lasting,
    least,
    permitted,
    restored,
    survived,
    twins,
    untouched,
    working,
)
from bulkhead.rehearsal.proofs.proof import Proof

PROOFS: Final = (
    Proof("answers", "each Worker answers", working.answers),
    Proof("closed", "a stage that is not public lets nobody in without its key", closed.nobody_without_key),
    Proof("bindings", "each Worker's env holds exactly what the product grants, nothing more", working.bindings),
    Proof("journeys", "what a visitor does in one stage is in that stage's stores and in no other's", working.journeys),
    Proof("stores", "what is written to a store of one stage is in no store of another", working.stores),
    Proof(
        "mishaps",
        "a call that fails half-way is survived: the stage converges, or says what to adopt",
        survived.mishaps,
    ),
    Proof("unchanged", "a second up and a refresh of each stage change nothing", untouched.unchanged),
    Proof("policies", "no policy has anything to say of any stage", judged.keeps_the_rules),
    Proof("roles", "each role of a stage can do its task and nothing else", permitted.roles_hold),
    Proof("keys", "each token has the rights that its calls need, and no other", least.keys_fit),
    Proof(
        "twins",
        "a redacted twin of each stage previews as unchanged, holds no secret, and still shows a planted replacement",
        twins.twins_tell,
    ),
    Proof("disjoint", "no name, id, hostname, ARN or secret of one stage occurs in another", apart.disjoint),
    Proof("secrets", "no secret stands in clear anywhere", apart.secrets_hidden),
    Proof("returns", "a release that goes bad returns by itself, and nothing is handled twice", delivered.returns),
    Proof("continued", "a deployment that is killed at any step is continued", delivered.continued),
    Proof("contract", "a migration that takes away what code may use is refused", delivered.contract_refused),
    Proof("backup", "a backup is taken, read back and restored, value for value", restored.value_for_value),
    Proof("restore", "a killed restore leaves the service as it was", restored.killed),
    Proof("vault", "a locked backup in production's vault cannot be deleted", lasting.vault_locked),
    Proof("production-stays", "production cannot be destroyed and is the same afterwards", lasting.production_stays),
    Proof(
        "development-goes",
        "destroying development leaves nothing of it and touches no other stage",
        lasting.development_goes,
        removes=True,
    ),
    Proof("answered", "nobody asked the local clouds for what they do not have", untouched.nothing_unknown),
    Proof("local-only", "nothing tried to reach another machine", untouched.local_only),
    Proof("checkout", "the checkout is as it was", untouched.checkout_clean),
)
