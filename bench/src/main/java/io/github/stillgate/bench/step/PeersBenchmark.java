package io.github.stillgate.bench.step;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Central rows of {@link Peers} by JMH: each in JVMs of its own, which nobody else shares, so that
 * the caches are its own too. Making the next input, some tens of nanoseconds, is in the time.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PeersBenchmark {
  private static final List<Double> MOVED = List.of(0.25);

  /** Width of the layer and of its input. */
  @Param({"128", "512", "1024"})
  public int n;

  /** Kind of layer. */
  @Param({"gru"})
  public String cell;

  /** Row of the table; ONNX Runtime needs the profile peers. */
  @Param({
    "native/f32", "native/i8", "native/i8/moved-0.25",
    "vector/f32", "vector/i8", "vector/i8/moved-0.25",
    "onnxruntime/f32"
  })
  public String row;

  private Contender contender;
  private Feed feed;
  private float[] out;

  /** For JMH. */
  public PeersBenchmark() {}

  /** Opens the row and compares its answers. */
  @Setup
  public void open() {
    Rows rows = new Rows(Cell.of(cell), n, MOVED, List.of());
    Row chosen = rows.named(row);
    contender = chosen.contender().get();
    feed = chosen.feed().get();
    out = new float[rows.outputs(chosen)];
    chosen.check(contender, out.length);
  }

  /** Closes the row. */
  @TearDown
  public void close() {
    contender.close();
  }

  /** The next input, and a step on it. */
  @Benchmark
  public float[] step() {
    feed.advance();
    contender.step(feed, out);
    return out;
  }
}
