use super::*;

fn tile(href: &str) -> Tile {
    Tile { href: href.into(), ..Tile::default() }
}

#[test]
fn a_tile_of_either_generation_is_the_same_row() {
    let older = Tile {
        label: Some("ねんどろいど 初音ミクの画像 1,234円".into()),
        price: Some("¥1,234".into()),
        sticker: Some("売り切れ".into()),
        name: Some("ねんどろいど 初音ミク".into()),
        ..tile("/item/m54064219278")
    };
    let newer = Tile {
        price: Some("¥1,234".into()),
        sticker: Some("SOLD".into()),
        name: Some("ねんどろいど 初音ミク".into()),
        location: Some("search_result:newest:body:item_list:item_thumbnail".into()),
        ..tile("/item/m54064219278?from=search")
    };
    let row = older.row().unwrap();
    assert_eq!(row, newer.row().unwrap());
    assert_eq!((row.price, row.status, row.kind), (Some(1234), RowStatus::SoldOut, RowKind::Personal));
    assert_eq!((row.created, row.updated), (None, None), "unknown is not now");
}

#[test]
fn prices_are_yen_or_nothing() {
    let price = |label: Option<&str>, price: &str| {
        Tile { label: label.map(Into::into), price: Some(price.into()), ..tile("/item/m1") }.price()
    };
    assert_eq!(price(None, "現在 ¥300"), Ok(Some(300)));
    assert_eq!(price(Some("箱の画像 36,800yen BRL 1.234,00"), "BRL 1.234,00"), Ok(Some(36_800)));
    assert_eq!(price(Some("2個 500円の画像 1,000円"), "¥1,000"), Ok(Some(1_000)), "the title's own price is not it");
    assert!(price(None, "BRL 1.234,00").is_err(), "another currency is no number of yen");
    assert_eq!(price(None, "¥9,999,999"), Ok(None));
    assert_eq!(price(None, ""), Ok(None));
}

#[test]
fn shops_auctions_and_shelves_are_told_apart() {
    let shop = tile("https://jp.mercari.com/shops/product/2JVoP4vefPkskNLnvGbb9P").row().unwrap();
    assert_eq!((shop.kind, shop.source_id.as_str()), (RowKind::Shops, "2JVoP4vefPkskNLnvGbb9P"));
    let auction = Tile { price: Some("現在 ¥300".into()), ..tile("/item/m1") };
    assert_eq!(auction.row().unwrap().kind, RowKind::Auction);
    let shelf = Tile { location: Some("recently_viewed:body:item_list".into()), ..tile("/item/m1") };
    assert!(!shelf.is_result() && tile("/item/m1").is_result());
    assert!(tile("/item/m1/../x y").row().is_err());
    assert!(tile("/help").row().is_err());
}

#[test]
fn the_next_page_is_counted_from_this_one() {
    assert_eq!(token_after(None).as_deref(), Some("v1:1"));
    assert_eq!(token_after(Some("v1:4")).as_deref(), Some("v1:5"));
    assert_eq!(token_after(Some("v2:x")), None);
}
