/**
 * How people mend an app whose state isn't of the topics there are: it is forgotten, and made again.
 * @param command forgets it (`npx --no tributary processor reset …`)
 * @param writer the read model whose processor writes the topic that was made anew, if one does
 */
export function resetRemedy(app: string, command: string, writer?: string): string {
  const stop = `top "${app}", run \`${command}\`, and start it: it reads everything again`
  return writer === undefined
    ? `S${stop}`
    : `See first that the processor of "${writer}", which writes that topic, is well again. Then s${stop}`
}
