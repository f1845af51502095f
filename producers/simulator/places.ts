/** What the generator fills its marketplace with: places, categories and words of its own. */

/** States by share of customers, with their cities and how their zips begin. The spellings vary on purpose. */
export const states = [
  {
    state: 'SP',
    share: 42,
    zip: '0',
    cities: ['sao paulo', 'são paulo', 'campinas', "santa bárbara d'oeste", 'osasco'],
  },
  { state: 'RJ', share: 13, zip: '2', cities: ['rio de janeiro', 'niterói', 'petropolis', 'volta redonda'] },
  { state: 'MG', share: 12, zip: '3', cities: ['belo horizonte', 'uberlândia', 'juiz de fora', 'são joão del-rei'] },
  { state: 'RS', share: 5.5, zip: '9', cities: ['porto alegre', 'caxias do sul', 'pelotas'] },
  { state: 'PR', share: 5, zip: '8', cities: ['curitiba', 'londrina', 'maringá'] },
  { state: 'SC', share: 4, zip: '88', cities: ['florianópolis', 'joinville', 'blumenau'] },
  { state: 'BA', share: 3.4, zip: '4', cities: ['salvador', "arraial d'ajuda", 'ilhéus'] },
  { state: 'DF', share: 2.1, zip: '70', cities: ['brasília'] },
  { state: 'ES', share: 2, zip: '29', cities: ['vitória', 'vila velha'] },
  { state: 'GO', share: 2, zip: '74', cities: ['goiânia', 'anápolis'] },
  { state: 'PE', share: 1.7, zip: '5', cities: ['recife', 'olinda'] },
  { state: 'CE', share: 1.3, zip: '60', cities: ['fortaleza', 'juazeiro do norte'] },
  { state: 'PA', share: 1, zip: '66', cities: ['belém', 'santarém'] },
  { state: 'AM', share: 0.2, zip: '69', cities: ['manaus'] },
  { state: 'RR', share: 0.1, zip: '693', cities: ['boa vista'] },
] as const

/** English names by category, by falling share of the products. */
export const translated: Readonly<Record<string, string>> = {
  casa_e_banho: 'home_and_bath',
  saude_e_perfume: 'health_and_perfume',
  esporte_ao_ar_livre: 'outdoor_sports',
  moveis_da_sala: 'living_room_furniture',
  computadores_e_pecas: 'computers_and_parts',
  utilidades_da_cozinha: 'kitchen_utilities',
  relogios_e_joias: 'watches_and_jewels',
  telefones: 'phones',
  brinquedos_e_jogos: 'toys_and_games',
  carros_e_motos: 'cars_and_motorcycles',
  ferramentas: 'tools',
  livros_usados: 'used_books',
  jardim_e_varanda: 'garden_and_balcony',
  música: 'music',
  papelaria_escolar: 'school_stationery',
  animais: 'pets',
  malas_e_bolsas: 'luggage_and_bags',
  cafe_e_cha: 'coffee_and_tea',
}

/** Categories that products use and nobody has translated. */
export const untranslated = ['jogos_de_pc', 'porta_copos_e_bandejas'] as const

export const titles = ['recomendo', 'Ótimo!', 'Não gostei', 'super', 'Atrasou', '10', 'Entrega rápida 🚚'] as const

export const comments = [
  'Chegou antes do prazo, muito obrigado.',
  'Ainda não recebi, o que aconteceu?',
  'O produto veio "diferente" da foto, mas serve.',
  'Qualidade boa; a caixa, amassada.',
  'Adorei 😍',
  'Comprei dois, veio um.',
] as const
