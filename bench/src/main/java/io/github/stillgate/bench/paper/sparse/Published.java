package io.github.stillgate.bench.paper.sparse;

import java.util.Map;

/** Table 1 and 2 of the paper, as far as its text has them: shown beside ours, never as ours. */
final class Published {
  /**
   * A row of the paper.
   *
   * @param quality accuracy in percent, bits or perplexity on the test part
   * @param compression as printed
   * @param neurons by layer
   * @param gates by layer
   */
  record Row(String quality, String compression, String neurons, String gates) {}

  /** In the paper words and characters are of Penn Treebank, which is licensed: ours are others. */
  private static final Map<String, Row> ROWS =
      Map.ofEntries(
          Map.entry("imdb original", new Row("84.1", "1x", "128", "512")),
          Map.entry("imdb bayes-w", new Row("83.62", "18567x", "lost", "17")),
          Map.entry("imdb bayes-wn", new Row("83.98", "17874x", "lost", "lost")),
          Map.entry("imdb bayes-wgn", new Row("83.98", "19747x", "lost", "6")),
          Map.entry("ag_news original", new Row("90.6", "1x", "512", "2048")),
          Map.entry("ag_news bayes-w", new Row("89.14", "561x", "lost", "lost")),
          Map.entry("ag_news bayes-wn", new Row("88.55", "645x", "lost", "lost")),
          Map.entry("ag_news bayes-wgn", new Row("88.41", "647x", "lost", "39")),
          Map.entry("text8 original", new Row("lost", "1x", "1000", "4000")),
          Map.entry("text8 bayes-w", new Row("lost", "7.9x", "lost", "1718")),
          Map.entry("text8 bayes-wn", new Row("lost", "10.2x", "lost", "1560")),
          Map.entry("text8 bayes-wgn", new Row("lost", "9.8x", "lost", "1563")),
          Map.entry("words original", new Row("114.41", "1x", "200-200", "800-800")),
          Map.entry("words prun-wn", new Row("106.25", "1.44x", "72-123", "288-492")),
          Map.entry("words prun-wgn", new Row("105.64", "1.49x", "64-115", "193-442")),
          Map.entry("words bayes-w", new Row("109.85", "10.52x", "55-124", "218-415")),
          Map.entry("words bayes-wn", new Row("104.81", "11.65x", "68-110", "272-392")),
          Map.entry("words bayes-wgn", new Row("104.45", "11.44x", "52-108", "197-349")));

  private static final Row NONE = new Row("", "", "", "");

  private Published() {}

  /** The paper's row for a task and a method. */
  static Row of(SparseRun run) {
    return ROWS.getOrDefault(run.task() + " " + run.method(), NONE);
  }
}
