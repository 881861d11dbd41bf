package io.github.stillgate.cli.plot;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;

/**
 * Places the boxes of a directed graph in ranks, each box below all that it reads, after Sugiyama,
 * Tagawa and Toda (1981): ranks by the longest way, a bend in every rank that a line crosses, the
 * order in a rank by the mean of the neighbours' places, and then places that are as near to the
 * neighbours as the order allows. All lines from one box that go far share their bends. The same
 * graph gives the same picture.
 */
final class LayeredLayout {
  /** Bends of the largest picture; far beyond what can be looked at. */
  static final int MOST_BENDS = 200_000;

  /** Free space between two boxes, and beside a bend. */
  private static final double GAP = 18;

  private static final double BEND = 10;

  private static final int ORDERINGS = 16;
  private static final int PLACINGS = 160;

  /** How much more a line of bends is kept straight than boxes stay below each other. */
  private static final double STRAIGHT = 8;

  private final double[] widths;
  private final List<Vertex> vertices = new ArrayList<>();
  private final List<List<Vertex>> ranks = new ArrayList<>();

  /** A box, or a bend of the lines from one. */
  static final class Vertex {
    final int box;
    final int rank;
    final double width;
    final List<Vertex> up = new ArrayList<>();
    final List<Vertex> down = new ArrayList<>();
    private int order;
    private double x;

    private Vertex(int box, int rank, double width) {
      this.box = box;
      this.rank = rank;
      this.width = width;
    }

    /** Whether it is no box. */
    boolean isBend() {
      return box < 0;
    }

    /** Its middle. */
    double x() {
      return x;
    }
  }

  /**
   * Lays out boxes.
   *
   * @param widths of each box
   * @param reads for each box the boxes that it reads, each before it and named once
   * @throws IllegalArgumentException if the lines would have more than {@link #MOST_BENDS} bends
   */
  LayeredLayout(double[] widths, List<List<Integer>> reads) {
    this.widths = widths;
    connect(ranks(reads), reads);
    order();
    place();
  }

  /** The boxes in their order, and behind them the bends. */
  List<Vertex> vertices() {
    return vertices;
  }

  /** Number of ranks. */
  int depth() {
    return ranks.size();
  }

  /** From the left end of the leftmost box, which is 0, to the right end of the rightmost. */
  double width() {
    return vertices.stream().mapToDouble(v -> v.x + v.width / 2).max().orElse(0);
  }

  private int[] ranks(List<List<Integer>> reads) {
    int[] rank = new int[widths.length];
    int[] nearest = new int[widths.length];
    Arrays.fill(nearest, Integer.MAX_VALUE);
    for (int box = 0; box < rank.length; box++) {
      for (int read : reads.get(box)) {
        rank[box] = Math.max(rank[box], rank[read] + 1);
      }
      for (int read : reads.get(box)) {
        nearest[read] = Math.min(nearest[read], rank[box]);
      }
    }
    for (int box = 0; box < rank.length; box++) {
      // What reads nothing stands right above the first that reads it.
      if (reads.get(box).isEmpty() && nearest[box] != Integer.MAX_VALUE) {
        rank[box] = nearest[box] - 1;
      }
    }
    return rank;
  }

  private void connect(int[] rank, List<List<Integer>> reads) {
    int depth = Arrays.stream(rank).max().orElse(-1) + 1;
    for (int i = 0; i < depth; i++) {
      ranks.add(new ArrayList<>());
    }
    List<List<Vertex>> lines = new ArrayList<>();
    for (int box = 0; box < rank.length; box++) {
      Vertex vertex = new Vertex(box, rank[box], widths[box]);
      vertices.add(vertex);
      lines.add(new ArrayList<>(List.of(vertex)));
    }
    for (int box = 0; box < rank.length; box++) {
      for (int read : reads.get(box)) {
        List<Vertex> line = lines.get(read);
        while (line.size() < rank[box] - rank[read]) {
          if (vertices.size() - rank.length == MOST_BENDS) {
            throw new IllegalArgumentException(
                "the network is too tangled to draw: its lines would have more than %d bends; the listing and --json have all of it"
                    .formatted(MOST_BENDS));
          }
          Vertex bend = new Vertex(-1, rank[read] + line.size(), 0);
          join(line.getLast(), bend);
          vertices.add(bend);
          line.add(bend);
        }
        join(line.get(rank[box] - rank[read] - 1), vertices.get(box));
      }
    }
  }

  private static void join(Vertex above, Vertex below) {
    above.down.add(below);
    below.up.add(above);
  }

  /**
   * In the order of a walk first, then by the means of neighbours; the one with fewest crossings.
   */
  private void order() {
    boolean[] seen = new boolean[vertices.size()];
    for (int i = 0; i < vertices.size(); i++) {
      vertices.get(i).order = i;
    }
    Deque<Vertex> open = new ArrayDeque<>();
    for (Vertex start : vertices) {
      open.push(start);
      while (!open.isEmpty()) {
        Vertex at = open.pop();
        if (!seen[at.order]) {
          seen[at.order] = true;
          ranks.get(at.rank).add(at);
          at.down.reversed().forEach(open::push);
        }
      }
    }
    ranks.forEach(LayeredLayout::number);
    List<List<Vertex>> best = copy();
    long fewest = crossings();
    for (int round = 0; round < ORDERINGS && fewest > 0; round++) {
      boolean down = round % 2 == 0;
      for (List<Vertex> rank : down ? ranks : ranks.reversed()) {
        rank.sort(Comparator.comparingDouble(v -> mean(down ? v.up : v.down, v.order)));
        number(rank);
      }
      long now = crossings();
      if (now < fewest) {
        fewest = now;
        best = copy();
      }
    }
    ranks.clear();
    ranks.addAll(best);
    ranks.forEach(LayeredLayout::number);
  }

  private static void number(List<Vertex> rank) {
    for (int i = 0; i < rank.size(); i++) {
      rank.get(i).order = i;
    }
  }

  private List<List<Vertex>> copy() {
    List<List<Vertex>> copy = new ArrayList<>();
    ranks.forEach(rank -> copy.add(new ArrayList<>(rank)));
    return copy;
  }

  private static double mean(List<Vertex> neighbours, int without) {
    return neighbours.stream().mapToInt(v -> v.order).average().orElse(without);
  }

  /** Pairs of lines between neighbouring ranks that cross, counted in a Fenwick tree. */
  private long crossings() {
    long crossings = 0;
    for (int r = 1; r < ranks.size(); r++) {
      int[] tree = new int[ranks.get(r).size() + 1];
      int before = 0;
      for (Vertex above : ranks.get(r - 1)) {
        for (Vertex below : above.down) {
          int left = 0;
          for (int i = below.order + 1; i > 0; i -= i & -i) {
            left += tree[i];
          }
          crossings += before - left;
        }
        for (Vertex below : above.down) {
          before++;
          for (int i = below.order + 1; i < tree.length; i += i & -i) {
            tree[i]++;
          }
        }
      }
    }
    return crossings;
  }

  private void place() {
    for (List<Vertex> rank : ranks) {
      double at = 0;
      for (int i = 0; i < rank.size(); i++) {
        at += i == 0 ? 0 : distance(rank.get(i - 1), rank.get(i));
        rank.get(i).x = at;
      }
      for (Vertex vertex : rank) {
        vertex.x -= at / 2;
      }
    }
    for (int round = 0; round < PLACINGS; round++) {
      boolean down = round % 2 == 0;
      for (List<Vertex> rank : down ? ranks : ranks.reversed()) {
        place(rank, down, round >= PLACINGS - 4);
      }
    }
    double left = vertices.stream().mapToDouble(v -> v.x - v.width / 2).min().orElse(0);
    vertices.forEach(v -> v.x -= left);
  }

  private static double distance(Vertex left, Vertex right) {
    return (left.width + right.width) / 2 + (left.isBend() && right.isBend() ? BEND : GAP);
  }

  /**
   * The places of a rank that are nearest to those wanted, by weighted squares, in its order:
   * without their distances they are an increasing row, found by pooling what is out of order.
   */
  private static void place(List<Vertex> rank, boolean down, boolean both) {
    int count = rank.size();
    double[] sum = new double[count];
    double[] weight = new double[count];
    int[] size = new int[count];
    int pools = 0;
    double offset = 0;
    for (int i = 0; i < count; i++) {
      Vertex vertex = rank.get(i);
      offset += i == 0 ? 0 : distance(rank.get(i - 1), vertex);
      double wanted = 0;
      double pull = 0;
      for (Vertex other : down || both ? vertex.up : List.<Vertex>of()) {
        double strength = vertex.isBend() && other.isBend() ? STRAIGHT : 1;
        wanted += strength * other.x;
        pull += strength;
      }
      for (Vertex other : !down || both ? vertex.down : List.<Vertex>of()) {
        double strength = vertex.isBend() && other.isBend() ? STRAIGHT : 1;
        wanted += strength * other.x;
        pull += strength;
      }
      // What has no neighbour there stays where it is, unless others need the place.
      double weak = pull == 0 ? 0.1 : pull;
      sum[pools] = weak * ((pull == 0 ? vertex.x : wanted / pull) - offset);
      weight[pools] = weak;
      size[pools++] = 1;
      while (pools > 1 && sum[pools - 2] / weight[pools - 2] > sum[pools - 1] / weight[pools - 1]) {
        pools--;
        sum[pools - 1] += sum[pools];
        weight[pools - 1] += weight[pools];
        size[pools - 1] += size[pools];
      }
    }
    int at = 0;
    offset = 0;
    for (int pool = 0; pool < pools; pool++) {
      for (int end = at + size[pool]; at < end; at++) {
        offset += at == 0 ? 0 : distance(rank.get(at - 1), rank.get(at));
        rank.get(at).x = sum[pool] / weight[pool] + offset;
      }
    }
  }
}
