"""What `--help` says around the options: examples before them, and exit codes and files after."""

from __future__ import annotations

EXAMPLES = """\
Watch a Kubernetes rollout live, and hear early whether it is failing.

  {prog}                              the screen, where kubectl points now
  {prog} -n shop-alpha                another namespace; -A for all of them
  {prog} --env production --readonly  an environment; nothing can be changed
  {prog} status                       every workload with its verdict, once
  {prog} status shop-backend -o json  one of them, for a script
  {prog} watch deploy/shop-backend    follow a rollout to its verdict (for CI)
  {prog} doctor                       what works, what not, and what to do
  {prog} init                         write quarterdeck.toml from the cluster
  {prog} demo                         no cluster at hand? watch a practice one

"""

EPILOG = """\
exit codes:
  0   fine (status: all healthy; watch: the rollout succeeded)
  1   a defect of ours; a log file is named
  2   usage, configuration or terminal
  3   refused, nothing was done
  5   the API server did not do its part
  10  in progress, paused or suspect
  11  failing
  12  timed out
  128 + n  ended by signal n

files:
  ./quarterdeck.toml
      Here, or above up to the root of the git checkout. Where it names URLs or
      commands it is used only once it is trusted: `{prog} trust`.
  {user_file}
      The user's own, used where no other is found.
      Every key: docs/configuration.md, and `{prog} init` writes one.
  $KUBECONFIG, ~/.kube/config, or the service account inside a cluster
      As kubectl has it.

In the screen `?` lists every key, and `:` takes commands by name.
"""
