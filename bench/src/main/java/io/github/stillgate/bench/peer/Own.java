package io.github.stillgate.bench.peer;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.util.ArrayList;
import java.util.List;

/** One of our backends, on one thread like every contender. */
abstract class Own implements Contender {
  private final LayerKind kind;
  private final Plan plan;

  private Own(LayerKind kind, Plan plan) {
    this.kind = kind;
    this.plan = plan;
  }

  /** A layer of {@code kind} under a plan with {@code options}, run as {@code task} says. */
  static Own of(Task task, LayerKind kind, PlanOptions options) {
    Plan plan = Plan.compile(new Model(List.of(kind.make(task.units()))), options);
    if (task.steps() > 1) {
      return new OfSequence(kind, plan);
    }
    return task.streams() > 1 ? new OfBatch(kind, plan, task.streams()) : new OfStream(kind, plan);
  }

  @Override
  public final String name() {
    return plan.backend() + (plan.options().blas() ? " + BLAS" : "");
  }

  @Override
  public final String layer() {
    return kind.name();
  }

  @Override
  public final WeightFormat weights() {
    return plan.options().weights();
  }

  @Override
  public final void warmUp() {
    plan.warmUp();
  }

  @Override
  public final void close() {
    plan.close();
  }

  private static final class OfStream extends Own {
    private final Session session;

    OfStream(LayerKind kind, Plan plan) {
      super(kind, plan);
      this.session = Session.open(plan);
    }

    @Override
    public void step(float[][] x, float[][] out) {
      session.step(x[0], out[0]);
    }
  }

  private static final class OfBatch extends Own {
    private final BatchSession batch;
    private final List<BatchSession.Stream> streams = new ArrayList<>();

    OfBatch(LayerKind kind, Plan plan, int count) {
      super(kind, plan);
      this.batch = BatchSession.open(plan, count);
      for (int s = 0; s < count; s++) {
        streams.add(batch.join());
      }
    }

    @Override
    public void step(float[][] x, float[][] out) {
      for (int s = 0; s < x.length; s++) {
        streams.get(s).feed(x[s]);
      }
      batch.step();
      for (int s = 0; s < out.length; s++) {
        streams.get(s).read(out[s]);
      }
    }
  }

  private static final class OfSequence extends Own {
    private final Sequence sequence;

    OfSequence(LayerKind kind, Plan plan) {
      super(kind, plan);
      this.sequence = Sequence.open(plan);
    }

    @Override
    public void step(float[][] x, float[][] out) {
      float[][] made = sequence.run(x);
      System.arraycopy(made, 0, out, 0, made.length);
    }
  }
}
