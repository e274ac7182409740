using System.Collections.Immutable;
using Kuguru.Wire.Eap;

namespace Kuguru.Ike.Eap;

/// <summary>
/// The side that is asked (the RFC's peer). It takes the first method that it may take, refuses others with what it would take instead
/// (Nak, RFC 3748 section 5.3), and keeps to the one that has begun.
/// </summary>
sealed class EapPeer : IEapConversation
{
    readonly Identity _user;
    readonly ImmutableArray<EapType> _accepted;
    readonly Func<EapType, EapMethod> _create;
    EapMethod? _method;
    bool _isDone;
    string? _trouble;
    int _packets;

    /// <param name="user">Who we say we are.</param>
    /// <param name="accepted">The methods that we take, the best first.</param>
    /// <param name="create">Begins a method.</param>
    public EapPeer(Identity user, ImmutableArray<EapType> accepted, Func<EapType, EapMethod> create) =>
        (_user, _accepted, _create) = (user, accepted, create);

    /// <summary>The sentence of every method with passwords.</summary>
    public static string NoPassword(Identity user) => $"no EAP key found for '{user}': add a section eap-... with this id to 'secrets'";

    public EapStep Receive(EapPacket packet)
    {
        if (++_packets > EapLimits.Packets)
            return Fail($"it has not come to an end in {EapLimits.Packets} packets");
        return packet.Code switch
        {
            EapCode.Request => Answer(packet),
            EapCode.Success when _isDone || _method is { MayEnd: true } => new EapStep.Succeed(null, new EapResult(_method!.Type, _user, _method.TakeMsk())),
            EapCode.Success => Fail(_trouble ?? (_method is null ? "it lets us in without asking anything" : $"it lets us in before {_method.Type} is done")),
            EapCode.Failure => Fail(_trouble ?? (_method is null
                ? "received EAP_FAILURE before any method began: it knows no such user, or has no method that we take"
                : $"received EAP_FAILURE in {_method.Type}: the user name or the password is wrong, or it does not accept our certificate; see its log")),
            EapCode.Response => Fail($"it sends {packet} where a request is due"),
        };
    }

    public void Dispose() => _method?.Dispose();

    EapStep Answer(EapPacket request)
    {
        if (request.Method == EapType.Notification)
            return Say(request, EapType.Notification, Blob.Empty);
        if (_method is null)
        {
            if (request.Method == EapType.Identity)
                return Say(request, EapType.Identity, EapIdentity.Write(_user));
            if (!_accepted.Contains(request.Method))
                return Refuse(request);
            (_method, _trouble) = (_create(request.Method), null);
        }
        if (request.Method != _method.Type)
            return Fail($"it changes from {_method.Type} to {request.Method} half-way");
        if (_isDone || _trouble is not null)
            return Fail(_trouble ?? $"it asks again although {_method.Type} is done");
        return _method.Take(request.Identifier, request.Data) switch
        {
            MethodStep.Continue go => Say(request, _method.Type, go.Data),
            MethodStep.Done done => Finish(request, done.Data ?? Blob.Empty),
            MethodStep.Failed { Data: { } last } failed => SayLast(request, last, $"{_method.Type}: {failed.Why}"),
            MethodStep.Failed failed => Fail($"{_method.Type}: {failed.Why}"),
            var step => throw new InvalidOperationException(step.ToString()),
        };
    }

    EapStep.Say Finish(EapPacket request, Blob data)
    {
        _isDone = true;
        return Say(request, _method!.Type, data);
    }

    EapStep.Say SayLast(EapPacket request, Blob data, string trouble)
    {
        _trouble = trouble;
        return Say(request, _method!.Type, data);
    }

    /// <summary>What we would take instead: the types of IANA have one octet, and we have no others.</summary>
    EapStep.Say Refuse(EapPacket request)
    {
        _trouble = $"it asks for {request.Method}, we have {string.Join(", ", _accepted)}: set 'auth' to one that both have";
        return new(EapPacket.Response(request.Identifier, EapType.Nak, _accepted.Select(type => (byte)type.Number).DefaultIfEmpty().ToArray()));
    }

    static EapStep.Say Say(EapPacket request, EapType type, Blob data) => new(EapPacket.Response(request.Identifier, type, data));

    static EapStep.Fail Fail(string why) => new(null, why);
}
