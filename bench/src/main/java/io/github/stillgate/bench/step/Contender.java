package io.github.stillgate.bench.step;

/** A way to take one step after the other of one stream; used by one thread. */
public interface Contender extends AutoCloseable {
  /**
   * One step; the state is carried over to the next.
   *
   * @param feed what comes in; not changed
   * @param out receives the outputs, as many as the network has
   */
  void step(Feed feed, float[] out);

  /** What the steps so far read and left out. */
  Work work();

  @Override
  void close();

  /**
   * What steps did, on the average.
   *
   * @param bytes weight bytes that a step read
   * @param moved share of the values with a fixed int8 scale that moved from step to step, or NaN
   *     where every column is multiplied
   * @param live share of the units that were live, or NaN where all are
   */
  record Work(double bytes, double moved, double live) {
    /** Of a network that is multiplied whole in every step. */
    public static Work whole(double bytes) {
      return new Work(bytes, Double.NaN, Double.NaN);
    }
  }
}
