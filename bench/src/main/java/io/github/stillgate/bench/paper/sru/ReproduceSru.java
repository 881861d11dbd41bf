package io.github.stillgate.bench.paper.sru;

import io.github.stillgate.bench.Count;
import io.github.stillgate.bench.Launched;
import io.github.stillgate.bench.paper.Trainings;
import io.github.stillgate.training.CharCorpus;
import io.github.stillgate.training.Interruption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code reproduce sru}: the tables of the SRU poster, measured again. */
@Command(
    name = "sru",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Makes the tables of the SRU poster (Lei et al., 2018) again: sru.md, sru.json and plots.",
      "",
      "sentences: classification, from the trainings in --runs; with --sent-conv what is missing there is"
          + " trained first. drqa: times of bidirectional stacks. computation: times of one layer over a"
          + " batch of sequences. characters: models of equal size on text8, trained first.",
      "",
      "Each part can be made by itself: the others stay in the report as they are. Leave the machine"
          + " alone during drqa and computation.",
      "",
      "With ONNX Runtime: STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate reproduce sru drqa",
      ""
    })
public final class ReproduceSru implements Callable<Integer> {
  enum Part {
    sentences,
    drqa,
    computation,
    characters
  }

  @Parameters(
      arity = "0..*",
      paramLabel = "PART",
      description = "${COMPLETION-CANDIDATES}; all if none is named")
  private List<Part> parts = List.of();

  @Option(
      names = "--runs",
      defaultValue = "checkpoints/reproduce-sru",
      paramLabel = "DIR",
      description = "where trainings are kept")
  private Path runs;

  @Option(
      names = "--sent-conv",
      paramLabel = "DIR",
      split = ",",
      description = "trains sentence classifiers first on the sets in these folders")
  private List<Path> sentConv = List.of();

  @Option(
      names = "--vectors",
      paramLabel = "FILE",
      description = "word vectors for it, by training/pytorch/word_vectors.py")
  private @Nullable Path vectors;

  @Option(names = "--sets", defaultValue = "TREC,CR,MR,SUBJ", description = "sets to train on")
  private String sets;

  @Option(
      names = "--folds",
      converter = Count.class,
      defaultValue = "10",
      description = "folds of that training")
  private int folds;

  @Option(
      names = "--epochs",
      converter = Count.class,
      defaultValue = "100",
      description = "epochs of each fold")
  private int epochs;

  @Option(names = "--rate", defaultValue = "0.001", description = "Adam's step there")
  private String rate;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description = "the first 12,549,840 bytes of text8, for characters")
  private @Nullable Path text;

  @Option(
      names = "--budget",
      defaultValue = "5000",
      paramLabel = "UPDATES",
      description = "updates of each character model")
  private int budget;

  @Option(
      names = "--units",
      defaultValue = "256",
      description = "units of the LSTM whose size the other character models have")
  private int units;

  @Option(
      names = "--score-chars",
      defaultValue = "50000",
      description = "characters of the test and of the validation text that they are scored on")
  private int scoreChars;

  @Option(names = "--train-only", description = "stops before scoring and timing")
  private boolean trainOnly;

  @Option(
      names = "--trials",
      converter = Count.class,
      defaultValue = "11",
      description = "runs of each timed batch")
  private int trials;

  @Option(
      names = "--sequences",
      converter = Count.class,
      defaultValue = "32",
      description = "sequences of a batch")
  private int sequences;

  @Option(
      names = "--lengths",
      converter = Count.class,
      split = ",",
      defaultValue = "130,400",
      description = "steps of the sequences of drqa")
  private List<Integer> lengths = List.of();

  @Option(
      names = "--results",
      defaultValue = "bench/results",
      paramLabel = "DIR",
      description = "where the report and the plots are written")
  private Path results;

  @Spec private CommandSpec spec;

  /** For picocli. */
  public ReproduceSru() {}

  @Override
  public Integer call() throws Exception {
    Set<Part> wanted = parts.isEmpty() ? EnumSet.allOf(Part.class) : EnumSet.copyOf(parts);
    if (wanted.contains(Part.characters) && text == null) {
      throw new ParameterException(spec.commandLine(), "characters needs --text FILE");
    }
    if (!sentConv.isEmpty() && vectors == null) {
      throw new ParameterException(
          spec.commandLine(),
          "--sent-conv needs --vectors FILE; training/pytorch/word_vectors.py makes one");
    }
    Files.createDirectories(results);
    Path file = results.resolve("sru.json");
    SruResults found = SruResults.read(file);
    if (wanted.contains(Part.sentences)) {
      if (!sentConv.isEmpty()
          && SentenceTrainer.run(Path.of(System.getProperty("stillgate.home", ".")), trainer())
              != 0) {
        return 130;
      }
      if (!trainOnly) {
        found = found.with(SentenceRuns.read(runs.resolve("sentences"), origin(Part.sentences)));
      }
    }
    if (wanted.contains(Part.characters) && text != null) {
      CharCorpus corpus = CharCorpus.read(text, 11_500_000, 500_000);
      List<CharacterNetwork> networks = CharacterNetwork.grid(units, budget);
      Trainings trainings = new Trainings(runs.resolve("characters"), corpus, scoreChars);
      try (Interruption interruption = Interruption.listen()) {
        if (!trainings.run(networks, interruption::isAsked)) {
          return 130;
        }
      }
      if (!trainOnly) {
        found =
            found.with(
                CharacterRuns.score(
                    networks, trainings, corpus, scoreChars, origin(Part.characters)));
      }
    }
    Timings timings = new Timings(sequences, trials, System.out);
    if (wanted.contains(Part.drqa) && !trainOnly) {
      found =
          found.withDrqa(
              new SruResults.Times(origin(Part.drqa), trials, timings.drqa(300, 128, lengths)));
    }
    if (wanted.contains(Part.computation) && !trainOnly) {
      found =
          found.withComputation(
              new SruResults.Times(
                  origin(Part.computation),
                  trials,
                  timings.computation(List.of(256, 512), List.of(32, 64, 128))));
    }
    if (!trainOnly) {
      found.write(file);
      new SruReport(found).write(results);
      System.out.println("wrote " + results.resolve("sru.md"));
    }
    return 0;
  }

  private List<String> trainer() {
    List<String> arguments = new ArrayList<>(List.of("--data"));
    sentConv.forEach(folder -> arguments.add(folder.toString()));
    arguments.addAll(List.of("--vectors", String.valueOf(vectors)));
    arguments.addAll(List.of("--runs", runs.resolve("sentences").toString(), "--sets", sets));
    arguments.addAll(List.of("--folds", Integer.toString(folds)));
    arguments.addAll(List.of("--epochs", Integer.toString(epochs), "--rate", rate));
    return arguments;
  }

  /** The command that makes one part again, folders by their options' names. */
  private SruResults.Origin origin(Part part) {
    String options =
        switch (part) {
          case sentences ->
              " --runs DIR"
                  + (sentConv.isEmpty()
                      ? ""
                      : " --sent-conv DIR --vectors FILE --sets %s --folds %d --epochs %d --rate %s"
                          .formatted(sets, folds, epochs, rate));
          case drqa ->
              String.format(
                  Locale.ROOT,
                  " --sequences %d --lengths %s --trials %d",
                  sequences,
                  String.join(",", lengths.stream().map(String::valueOf).toList()),
                  trials);
          case computation -> " --sequences %d --trials %d".formatted(sequences, trials);
          case characters ->
              " --runs DIR --text FILE --units %d --budget %d --score-chars %d"
                  .formatted(units, budget, scoreChars);
        };
    return SruResults.Origin.here(Launched.command() + " reproduce sru " + part + options);
  }
}
