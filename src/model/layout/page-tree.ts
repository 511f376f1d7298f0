/** A tree whose levels stand under one another, as a B+tree's do: each parent over its children. */

export interface TreeItem<Item> {
  readonly children: readonly Item[];
}

export interface PlacedNode<Node> {
  readonly node: Node;
  /** Its middle. */
  readonly x: number;
  readonly width: number;
  /** 0 for the root. */
  readonly level: number;
}

export interface PlacedTree<Node> {
  readonly width: number;
  readonly levels: number;
  /** Parents before their children. */
  readonly nodes: readonly PlacedNode<Node>[];
  /** From parent to child, as places in `nodes`. */
  readonly edges: readonly { readonly from: number; readonly to: number }[];
}

/** @param widthOf how wide a node is @param gap between neighbours; both in the picture's units */
export function layoutTree<Node extends TreeItem<Node>>(
  root: Node,
  widthOf: (node: Node) => number,
  gap: number,
): PlacedTree<Node> {
  const spans = new Map<Node, number>();
  const measure = (node: Node): number => {
    const below = node.children.reduce((sum, child) => sum + measure(child) + gap, -gap);
    const span = Math.max(widthOf(node), below);
    spans.set(node, span);
    return span;
  };
  const width = measure(root);
  const nodes: PlacedNode<Node>[] = [];
  const edges: { from: number; to: number }[] = [];
  let levels = 1;
  const place = (node: Node, left: number, level: number, parent: number): void => {
    const span = spans.get(node) ?? 0;
    const at = nodes.push({ node, x: left + span / 2, width: widthOf(node), level }) - 1;
    levels = Math.max(levels, level + 1);
    if (parent >= 0) edges.push({ from: parent, to: at });
    const below = node.children.reduce((sum, child) => sum + (spans.get(child) ?? 0) + gap, -gap);
    let x = left + (span - below) / 2;
    for (const child of node.children) {
      place(child, x, level + 1, at);
      x += (spans.get(child) ?? 0) + gap;
    }
  };
  place(root, 0, 0, -1);
  return { width, levels, nodes, edges };
}
