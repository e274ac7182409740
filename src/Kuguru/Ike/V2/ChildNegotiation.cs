using System.Collections.Immutable;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>What we ask for in one child.</summary>
/// <param name="Scope">Which child, with TSi and TSr.</param>
/// <param name="InboundSpi">What the peer is to send with.</param>
readonly record struct ChildOffer(Scope Scope, Spi InboundSpi);

/// <summary>
/// SA, N(USE_TRANSPORT_MODE), TSi and TSr, which IKE_AUTH and CREATE_CHILD_SA have in common (RFC 7296 sections 1.2, 1.3.1, 2.9). In IKE_AUTH a child has no key
/// exchange of its own, whatever its proposals say.
/// </summary>
static class ChildNegotiation
{
    /// <summary>The SA payload of an offer.</summary>
    public static Payload.SA Ask(ChildOffer offer, bool keyExchange) =>
        Proposals.Offer(offer.Scope.Proposals, offer.InboundSpi.ToBlob(), keyExchange);

    public static IEnumerable<Payload> AskSelectors(ChildOffer offer) =>
        [.. Mode(offer.Scope.IsHostToHost), Selectors.WriteInitiator(offer.Scope.Local), Selectors.WriteResponder(offer.Scope.Remote)];

    /// <summary>The same payloads as an answer, where the selectors of our end are TSr.</summary>
    public static Payload.SA Answer(Agreement agreement, Spi inbound, bool keyExchange) =>
        Proposals.Answer(agreement.Choice, inbound.ToBlob(), keyExchange);

    public static IEnumerable<Payload> AnswerSelectors(Agreement agreement) =>
        [.. Mode(agreement.Transport is not null), Selectors.WriteInitiator(agreement.Remote), Selectors.WriteResponder(agreement.Local)];

    /// <summary>A child that a peer asks for, as far as it can be agreed to.</summary>
    public sealed record Agreement(ChildConfig Config, Choice Choice, Spi OutboundSpi, ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote)
    {
        /// <summary>Null for tunnel mode.</summary>
        public TransportEnds? Transport { get; init; }

        /// <summary>Under which addresses the peer's end is seen here.</summary>
        public ImmutableArray<StandIn> StandIns { get; init; } = [];
    }

    /// <summary>What the peer wants that we can give, or how to refuse it.</summary>
    public readonly record struct Judgement(Agreement? Agreement, NotifyType Refusal, string Why);

    /// <summary>Which of our children fits a peer's request best, and what is left of it (RFC 7296 section 2.9): the closest selectors win.</summary>
    public static Judgement Judge(IReadOnlyCollection<Scope> scopes, Path path, IkeMessage request, bool keyExchange)
    {
        if (request.Find<Payload.SA>() is not { } offer || request.Find<Payload.TSi>() is not { } tsi || request.Find<Payload.TSr>() is not { } tsr)
            return new(null, NotifyType.InvalidSyntax, "a child was asked for without SA, TSi or TSr");
        var (theirs, ours) = (Selectors.Read(tsi), Selectors.Read(tsr));
        Agreement? best = null;
        var (bestFit, selectorsFit) = (0, false);
        var asksTransport = request.Has(NotifyType.UseTransportMode);
        foreach (var scope in scopes)
        {
            var transport = asksTransport ? scope.AsTransport(ours, theirs) : null;
            var (wantedHere, wantedThere) = transport is { } hosts ? (hosts.Local, hosts.Remote) : (ours, Awaited(scope, theirs));
            var local = Narrowing.Narrow(scope.Local, wantedHere);
            var remote = Narrowing.Narrow(scope.Remote, wantedThere);
            var fit = local.IsEmpty || remote.IsEmpty ? 0 : Narrowing.Fit(local, wantedHere) + Narrowing.Fit(remote, wantedThere);
            selectorsFit |= fit > 0;
            if (fit > bestFit && Choose(scope, offer, keyExchange) is { } chosen)
                (best, bestFit) = (new(scope.Config, chosen.Choice, chosen.Spi, local, remote) { Transport = transport?.Ends }, fit);
        }
        return best is not null ? new(best, default, "")
            : selectorsFit ? new(null, NotifyType.NoProposalChosen, Failures.NoCommonChildProposal(offer, scopes, path))
            : new(null, NotifyType.TsUnacceptable, Failures.NoCommonSelectors(theirs, ours, scopes));
    }

    /// <summary>What the peer made of our offer, or why it will not do.</summary>
    public static Judgement Conclude(Scope scope, IkeMessage response, bool keyExchange)
    {
        if (response.Find<Payload.SA>() is not { } sa || response.Find<Payload.TSi>() is not { } tsi || response.Find<Payload.TSr>() is not { } tsr)
            return new(null, NotifyType.InvalidSyntax, "the answer has no SA, TSi or TSr");
        var config = scope.Config;
        if (Proposals.Accept(scope.Proposals, sa, keyExchange) is not { } choice || Spi.From(choice.Spi) is not { IsReserved: false } spi)
            return new(null, NotifyType.NoProposalChosen,
                $"the answer {Proposals.Describe(sa)} is not among what we offered: {Proposals.Describe(scope.Proposals)}");
        var (ours, theirs) = (Selectors.Read(tsi), Selectors.Read(tsr));
        var answer = $"{Failures.List(ours)} === {Failures.List(theirs)}";
        TransportEnds? ends = null;
        if (response.Has(NotifyType.UseTransportMode))
        {
            if (!scope.IsHostToHost || scope.AsTransport(ours, theirs) is not { } hosts)
                return new(null, NotifyType.TsUnacceptable,
                    $"the answer is transport mode for {answer}, which we did not ask for");
            (ours, theirs, ends) = hosts;
        }
        var local = Narrowing.Narrow(scope.Local, ours);
        var remote = Narrowing.Narrow(scope.Remote, Awaited(scope, theirs));
        return local.IsEmpty || remote.IsEmpty
            ? new(null, NotifyType.TsUnacceptable, $"the answer's selectors {answer} are none of ours")
            : new(new(config, choice, spi, local, remote) { Transport = ends }, default, "");
    }

    /// <summary>Of which protocol the SA is that an answer speaks of, good or not.</summary>
    public static ProtocolId ProtocolOf(IkeMessage response) =>
        response.Find<Payload.SA>() is { Proposals: [{ Protocol: ProtocolId.Ah }, ..] } ? ProtocolId.Ah : ProtocolId.Esp;

    static ImmutableArray<Payload> Mode(bool isTransport) => isTransport ? [new Payload.Notify(NotifyType.UseTransportMode)] : [];

    /// <summary>
    /// What OpenIKED calls "dynamic", the address that it is given by us, it writes as 0.0.0.0 alone, in requests and answers. Nobody's packets are from
    /// there: it is the one address that we have for the peer.
    /// </summary>
    static ImmutableArray<Selector> Awaited(Scope scope, ImmutableArray<Selector> theirs) =>
        [.. theirs.SelectMany(one => one.Range.First.IsAny && one.Range.Last.IsAny ? Given(scope, one) : [one])];

    static IEnumerable<Selector> Given(Scope scope, Selector like) => scope.Remote
        .Where(mine => mine.Range.First == mine.Range.Last && mine.Range.First.IsV6 == like.Range.First.IsV6).Select(mine => like with { Range = mine.Range });

    static (Choice Choice, Spi Spi)? Choose(Scope scope, Payload.SA offer, bool keyExchange) =>
        Proposals.Choose(scope.Proposals, offer, keyExchange) is { } choice && Spi.From(choice.Spi) is { IsReserved: false } spi
            ? (choice, spi) : null;
}
