package io.github.stillgate.bench.strategy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.FmaBenchmark;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.ReadBenchmark;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One JVM that times strategies of one task in turns, beside what bounds them: reading 8 MiB and
 * multiply-adds out of registers.
 */
public final class KernelFork {
  /** Contender that reads memory; its time is that of a byte. */
  static final String READ = "read";

  /** Contender that multiplies and adds; its time is that of one. */
  static final String FMA = "fma";

  /** Behind a strategy's name: the same strategy once more, with memory of its own. */
  static final String TWIN = " again";

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private static volatile float sink;

  private KernelFork() {}

  /** Runs with the arguments TASK LIVE TURNS STRATEGY... and prints JSON. */
  public static void main(String[] args) throws IOException {
    List<Turns.Time> times =
        run(
            args[0],
            Double.parseDouble(args[1]),
            Integer.parseInt(args[2]),
            List.of(args).subList(3, args.length));
    System.out.println(JSON.writeValueAsString(times));
  }

  /**
   * The times found by a JVM of its own.
   *
   * @param task {@code rows}, {@code blocks}, or words of {@link LayerTask} with commas, whose
   *     contenders are named by {@link LayerTask#contender}
   * @param live live fraction of rows and blocks
   * @param turns of each contender
   * @param strategies names, with or without {@link #TWIN}
   */
  static List<Turns.Time> fork(String task, double live, int turns, List<String> strategies)
      throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of(task, Double.toString(live), Integer.toString(turns)));
    arguments.addAll(strategies);
    return JSON.readValue(
        ForkedJvm.run(KernelFork.class, List.of("-Xbatch"), arguments),
        new TypeReference<List<Turns.Time>>() {});
  }

  static List<Turns.Time> run(String task, double live, int turns, List<String> strategies) {
    List<Turns.Contender> contenders = new ArrayList<>();
    List<Runnable> closing = new ArrayList<>();
    for (String word : task.split(",")) {
      for (String name : strategies) {
        String strategy =
            name.endsWith(TWIN) ? name.substring(0, name.length() - TWIN.length()) : name;
        Optional<LayerTask> layer = LayerTask.find(word);
        if (layer.isPresent()) {
          if (LayerTask.admits(strategy)) {
            LayerTask.Opened opened = layer.get().open(strategy);
            closing.add(opened.close());
            contenders.add(new Turns.Contender(layer.get().contender(name), opened.call()));
          }
        } else if (word.equals("rows")) {
          RowStrategyBenchmark rows = new RowStrategyBenchmark();
          rows.n = 1024;
          rows.live = live;
          rows.strategy = strategy;
          rows.open();
          closing.add(rows::close);
          contenders.add(new Turns.Contender(name, rows::multiply));
        } else {
          BlockStrategyBenchmark blocks = new BlockStrategyBenchmark();
          blocks.n = 1024;
          blocks.block = 64;
          blocks.streams = 64;
          blocks.live = live;
          blocks.strategy = strategy;
          blocks.open();
          closing.add(blocks::close);
          contenders.add(new Turns.Contender(name, blocks::multiply));
        }
      }
    }
    ReadBenchmark read = new ReadBenchmark();
    read.kib = Bounds.KIB;
    read.allocate();
    closing.add(read::free);
    contenders.add(new Turns.Contender(READ, () -> sink = read.read()));
    FmaBenchmark fma = new FmaBenchmark();
    contenders.add(new Turns.Contender(FMA, () -> sink = fma.multiplyAdd()));
    List<Turns.Time> times = Turns.run(contenders, turns);
    closing.forEach(Runnable::run);
    return times.stream()
        .map(time ->
            switch (time.contender()) {
              case READ -> time.per(1024.0 * Bounds.KIB);
              case FMA -> time.per(FmaBenchmark.multiplyAdds());
              default -> time;
            })
        .toList();
  }
}
