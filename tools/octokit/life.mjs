// The life of what a delivery makes on GitHub, by GitHub's own client: made, read, changed, removed. Prints what it saw.
// The environment `staging` stays, with a secret.
import { Octokit } from '@octokit/rest';
import sodium from 'libsodium-wrappers';

const [baseUrl, auth, owner, repo, sha] = process.argv.slice(2);
const octokit = new Octokit({ auth, baseUrl });
const at = { owner, repo };
const seen = {};

const refused = async (promise) => {
  try {
    await promise;
    return 'not refused';
  } catch (error) {
    return `${error.status} ${error.response.data.message}`;
  }
};

// An environment, with a slash in its name, and what is in it.
const environment = { ...at, environment_name: 'pr/42' };
const policy = { protected_branches: false, custom_branch_policies: true };
const reviewers = [{ type: 'User', id: 7 }];
await octokit.repos.createOrUpdateEnvironment({ ...environment, wait_timer: 10, reviewers, deployment_branch_policy: policy });
const { data: made } = await octokit.repos.getEnvironment(environment);
seen.environment = [made.name, ...made.protection_rules.map((rule) => rule.type)];
const { data: branches } = await octokit.repos.createDeploymentBranchPolicy({ ...environment, name: 'main' });
seen.policy = branches.name;

const kept = { ...at, environment_name: 'staging' };
await octokit.repos.createOrUpdateEnvironment(kept);
const { data: key } = await octokit.actions.getEnvironmentPublicKey(kept);
await sodium.ready;
const sealed = sodium.crypto_box_seal(Buffer.from('made-up'), sodium.from_base64(key.key, sodium.base64_variants.ORIGINAL));
const encrypted_value = sodium.to_base64(sealed, sodium.base64_variants.ORIGINAL);
const secret = { ...kept, secret_name: 'TOKEN' };
const put = await octokit.actions.createOrUpdateEnvironmentSecret({ ...secret, key_id: key.key_id, encrypted_value });
seen.secret = [put.status, (await octokit.actions.getEnvironmentSecret(secret)).data.name];
seen.sealedForAnother = await refused(
  octokit.actions.createOrUpdateEnvironmentSecret({ ...secret, key_id: key.key_id, encrypted_value: 'AAAA' }),
);

for (let number = 1; number <= 12; number += 1) {
  await octokit.actions.createEnvironmentVariable({ ...environment, name: `V${number}`, value: `${number}` });
}
await octokit.actions.updateEnvironmentVariable({ ...environment, name: 'V12', value: 'last' });
const variables = await octokit.paginate(octokit.actions.listEnvironmentVariables, { ...environment, per_page: 5 });
seen.variables = [variables.length, variables.at(-1).value];

// A ruleset.
const conditions = { ref_name: { include: ['~DEFAULT_BRANCH'], exclude: [] } };
const { data: ruleset } = await octokit.repos.createRepoRuleset({
  ...at, name: 'branches', enforcement: 'active', conditions, rules: [{ type: 'deletion' }, { type: 'non_fast_forward' }],
});
await octokit.repos.updateRepoRuleset({ ...at, ruleset_id: ruleset.id, enforcement: 'disabled' });
const { data: changed } = await octokit.repos.getRepoRuleset({ ...at, ruleset_id: ruleset.id });
seen.ruleset = [changed.enforcement, ...changed.rules.map((rule) => rule.type)];

// A deployment with its status, a check run, a comment, a release.
const { data: deployment } = await octokit.repos.createDeployment({ ...at, ref: 'main', environment: 'staging', payload: { build: 7 } });
await octokit.repos.createDeploymentStatus({ ...at, deployment_id: deployment.id, state: 'success', environment_url: 'https://harbor.example' });
const { data: statuses } = await octokit.repos.listDeploymentStatuses({ ...at, deployment_id: deployment.id });
seen.deployment = [deployment.sha === sha, deployment.payload.build, statuses[0].state];

const { data: run } = await octokit.checks.create({ ...at, name: 'unit', head_sha: sha, status: 'in_progress' });
await octokit.checks.update({ ...at, check_run_id: run.id, conclusion: 'success', output: { title: 'Unit', summary: 'All passed.' } });
const { data: runs } = await octokit.checks.listForRef({ ...at, ref: 'main' });
seen.checkRun = [runs.total_count, runs.check_runs[0].conclusion];

const { data: pull } = await octokit.pulls.create({ ...at, title: 'Add a', head: 'topic/x', base: 'main' });
const comment = { ...at, issue_number: pull.number };
const { data: said } = await octokit.issues.createComment({ ...comment, body: 'It would change 3 resources.' });
await octokit.issues.updateComment({ ...at, comment_id: said.id, body: 'It would change nothing.' });
seen.comment = (await octokit.issues.listComments(comment)).data.map((one) => one.body);

const { data: release } = await octokit.repos.createRelease({ ...at, tag_name: 'v1.0.0', name: 'One' });
seen.release = [
  (await octokit.repos.getLatestRelease(at)).data.id === release.id,
  (await octokit.git.getRef({ ...at, ref: 'tags/v1.0.0' })).data.object.sha === sha,
];
const { data: readme } = await octokit.repos.getContent({ ...at, path: 'README.md', mediaType: { format: 'raw' } });
seen.file = readme;

// What GitHub refuses, and what is gone.
seen.unknownRef = await refused(octokit.repos.createDeployment({ ...at, ref: 'nowhere' }));
await octokit.repos.deleteRelease({ ...at, release_id: release.id });
await octokit.issues.deleteComment({ ...at, comment_id: said.id });
await octokit.repos.deleteRepoRuleset({ ...at, ruleset_id: ruleset.id });
await octokit.repos.deleteAnEnvironment(environment);
seen.gone = await refused(octokit.repos.getEnvironment(environment));
console.log(JSON.stringify(seen));
