import type { Knex } from 'knex'
import { lockingBriefly } from '#database/locks'

export const PUBLICATION = 'outbox'
/** The login that owns outbox and publication, and so may make and drop partitions, and mend. */
export const MAINTAINER = 'maintainer'

/**
 * What of the publication isn't as the connector needs it: what a publication leaves out, the connector never sees, and
 * nobody is told. Empty where all is well.
 */
export async function publicationFaults(db: Knex): Promise<string[]> {
  const { rows } = await db.raw(
    `select p.pubinsert as inserts, p.pubupdate or p.pubdelete or p.pubtruncate as more, p.pubviaroot as "viaRoot",
            p.puballtables as "allTables", r.oid is not null as "hasTable", r.prqual is not null as filtered,
            r.prattrs is not null as "someColumns",
            exists (select from pg_publication_rel o where o.prpubid = p.oid and o.prrelid <> 'outbox'::regclass)
              or exists (select from pg_publication_namespace n where n.pnpubid = p.oid) as others
     from pg_publication p
     left join pg_publication_rel r on r.prpubid = p.oid and r.prrelid = 'outbox'::regclass
     where p.pubname = ?`,
    [PUBLICATION],
  )
  const [found] = rows
  if (!found) return ['the publication is missing']
  const faults: [boolean, string][] = [
    [!found.inserts, "the publication leaves inserts out (its option publish isn't 'insert')"],
    [found.more, "the publication has more than inserts (its option publish isn't 'insert')"],
    [!found.viaRoot, 'the publication names the partitions instead of the outbox (publish_via_partition_root is off)'],
    [found.allTables, 'the publication is for all tables'],
    [!found.hasTable && !found.allTables, "the publication doesn't have the outbox"],
    [found.filtered, 'the publication has only some rows of the outbox (a WHERE)'],
    [found.someColumns, 'the publication has only some columns of the outbox'],
    [found.others, 'the publication has other tables, too'],
  ]
  return faults.flatMap(([is, what]) => (is ? [what] : []))
}

/** That the publication is somebody else's: nothing is lost by it, but what is wrong with it can't be mended. */
export async function ownerFault(db: Knex): Promise<string | undefined> {
  const { rows } = await db.raw('select pg_get_userbyid(pubowner) as owner from pg_publication where pubname = ?', [
    PUBLICATION,
  ])
  const owner = rows[0]?.owner ?? MAINTAINER
  return owner === MAINTAINER ? undefined : `the publication belongs to "${owner}": "${MAINTAINER}" can't mend it`
}

/**
 * Makes the publication what the connector needs, where it isn't; gives what was wrong. What was committed meanwhile isn't
 * mended by this: the connector doesn't see it.
 * @param db logged in as the owner of outbox and publication, or as whoever sets up, who gives the publication to its owner
 */
export async function mendPublication(db: Knex): Promise<string[]> {
  const faults = [await publicationFaults(db), (await ownerFault(db)) ?? []].flat()
  if (faults.length > 0) {
    await lockingBriefly(db, async (trx) => {
      const { rows } = await trx.raw('select puballtables as all from pg_publication where pubname = ?', [PUBLICATION])
      if (rows[0]?.all) await trx.raw(`drop publication ${PUBLICATION}`)
      if (!rows[0] || rows[0].all) await trx.raw(`create publication ${PUBLICATION} for table outbox`)
      else await trx.raw(`alter publication ${PUBLICATION} set table outbox`)
      await trx.raw(`alter publication ${PUBLICATION} set (publish = 'insert', publish_via_partition_root = true)`)
      const { rows: may } = await trx.raw(`select pg_has_role('${MAINTAINER}', 'SET') as give`)
      if (may[0].give) await trx.raw(`alter publication ${PUBLICATION} owner to ${MAINTAINER}`)
    })
  }
  return faults
}
