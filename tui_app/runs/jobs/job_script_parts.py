"""The fixed parts of a job's script, in bash. `@NAME@` is replaced."""

#: Decides what to train.
BEGINNING = r"""
# The state of the run (running, stopped, completed, failed), and when it was last saved.
state() { sed -n 's/^ *"state": "\([a-z]*\)".*/\1/p' "$run/status.json" 2>/dev/null; }
saved() { stat -c %Y "$run/last.pt" 2>/dev/null; }

if [ "$(state)" = completed ]; then
    exit 0
elif [ -e "$run/run.json" ]; then # an earlier start of this job has begun the run
    words=(resume "$run" --no-tui --source=kept @RESUME@)
else
    words=(
        --no-tui --run-folder="$run"
@FIRST@
    )
fi"""

#: Trains on one node.
ONE_NODE = r"""
train() { exec "$python" -P -m tui_app "${words[@]}"; }
stop_training() { kill -TERM "$training"; }"""

#: Trains on several nodes.
SEVERAL_NODES = r"""
# torchrun starts the ranks of each node. Those of the first node, rank 0 among them, wait there for
# all others. When one node's ranks have ended, those of the others have a minute to end, too.
export MASTER_ADDR MASTER_PORT SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK" TORCH_CPP_LOG_LEVEL=ERROR
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))
train() {
    exec srun --kill-on-bad-exit=0 --wait=60 bash -c '
        exec "$0" -P -m torch.distributed.run --nnodes="$SLURM_NNODES" --nproc-per-node=@RANKS@ \
            --node-rank="$SLURM_NODEID" --master-addr="$MASTER_ADDR" --master-port="$MASTER_PORT" \
            -m tui_app "$@"' "$python" "${words[@]}"
}
# Rank 0, which trains on this node, saves and ends all ranks. srun would kill them at once on TERM,
# and torchrun after 30 seconds.
stop_training() {
    pid=$(sed -n 's/^ *"pid": \([0-9]*\).*/\1/p' "$run/status.json" 2>/dev/null)
    if grep -qz "^SLURM_JOB_ID=$SLURM_JOB_ID\$" "/proc/$pid/environ" 2>/dev/null; then
        kill -TERM "$pid"
    else # training hasn't begun
        scancel --signal=TERM "$SLURM_JOB_ID.0"
    fi
}"""

#: Trains, and requeues the job if it was stopped before the run was completed.
END = r"""
# TERM makes the run save and stop. SLURM sends USR1 before the time limit, and TERM when it
# cancels, requeues or preempts the job.
stop() {
    reason=$1
    is_interrupted=yes
    stop_training
}
reason=
trap 'stop "time limit"' USR1
trap 'stop "TERM"' TERM

saved_before=$(saved)
train &
training=$!
is_interrupted=yes
while [ "$is_interrupted" ]; do # a signal interrupts `wait`
    is_interrupted=
    wait "$training"
    code=$?
done
trap '' USR1

if [ -z "$reason" ] || [ "$(state)" = completed ] || [ "$(state)" = failed ]; then
    exit "$code"
fi
is_running() { [ "$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%T)" = RUNNING ]; }
if [ "$reason" = TERM ] && ! is_running; then
    exit "$code" # SLURM itself has ended the job, and requeues it unless it was cancelled
fi
if [ "$(saved)" = "$saved_before" ]; then
    echo start >>"$run/job.fruitless"
    if [ "$(wc -l <"$run/job.fruitless")" -ge 3 ]; then
        echo "job: nothing was trained in three starts: the job isn't requeued; --time is too short"
        exit "$code"
    fi
else
    rm -f "$run/job.fruitless"
fi
echo "job: stopped ($reason) and requeued: the run continues when the job starts again"
scontrol requeue "$SLURM_JOB_ID" && exit 0
echo "job: it can't be requeued: \`tutorch resume\` continues the run"
exit "$code"
"""
