export async function main(argv: string[]): Promise<number> {
  console.log(argv, process.version);
  return 0;
}
