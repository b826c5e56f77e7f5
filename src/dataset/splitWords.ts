/** Words that loaders take for the name of a split of the data, as the source of a regular expression. */
export const SPLIT_WORDS = '(train(ing)?|test(ing)?|val(id(ation)?)?|dev|eval(uation)?)'
