package io.github.stillgate.bench.paper.sru;

import java.util.Map;

/** Figures of others, to stand beside ours. */
final class Published {
  /** The poster's ablation chart, whose columns are lost. */
  static final String CHART =
      "The poster (Lei et al., 2018) shows the ablation as a chart. Read in order it has ?5.3, 93.5,"
          + " 83.1, 81.8, 92.2, 93.9 for the full SRU, ?.8, 93.5, 82.2, 82.1, 92.3, 93.8 without v * c"
          + " and ?.8, 93.5, 82.8, 82.3, 91.2, 93.1 without highway; its labels are CR, SUBJ, MR and"
          + " Trec, but which value belongs to which label cannot be told, and question marks are"
          + " digits that are lost. What it claims is that the full SRU is the best.";

  /** Where {@link #EMNLP} is from. */
  static final String EMNLP_SOURCE =
      "For orientation only, from the later paper (EMNLP 2018) and not from the poster: word vectors"
          + " of 300 values trained on 100 billion words, 100 epochs, 10 folds.";

  /** Percent right by model and set. */
  static final Map<String, Map<String, Double>> EMNLP =
      Map.of(
          "lstm",
          Map.of("CR", 82.7, "SUBJ", 92.6, "MR", 79.8, "TREC", 93.4, "MPQA", 89.4, "SST", 88.1),
          "sru-2",
          Map.of("CR", 84.9, "SUBJ", 93.5, "MR", 82.3, "TREC", 94.0, "MPQA", 90.1, "SST", 89.2),
          "sru-4",
          Map.of("CR", 85.9, "SUBJ", 93.8, "MR", 82.9, "TREC", 94.8, "MPQA", 90.1, "SST", 89.6));

  /** Seconds an epoch that the poster's reader of questions spent in its recurrent layers. */
  static final Map<String, Integer> READER =
      Map.of("LSTM 3", 316, "SRU 3", 58, "SRU 4", 72, "SRU 6", 100);

  private Published() {}
}
